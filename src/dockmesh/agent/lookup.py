"""What a resolver says of a name.

Python's standard library only, Python 3.9 or later: this text is sent to hosts that have nothing of ours.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from typing import Any

DNS_PORT = 53
NAME_DEADLINE_S = 5.0
# One that neither answers nor refuses may be starting, or wait for a busy processor.
SILENCE_DEADLINE_S = 15.0
PAUSE_S = 0.3  # how long an answer is waited for before it is asked again


def question(name: str, number: int) -> bytes:
    """A DNS message (RFC 1035, section 4.1) that asks for the IPv4 addresses of a name."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, 1, 1)


def read_addresses(answer: bytes, asked: bytes) -> list[str]:
    """The addresses of an answer that is not larger than 512 bytes, whose names are pointers to the question's."""
    count, place, found = struct.unpack("!H", answer[6:8])[0], len(asked), []
    for _ in range(count):
        kind, _, _, length = struct.unpack("!HHIH", answer[place + 2 : place + 12])
        if kind == 1 and length == 4:
            found.append(socket.inet_ntoa(answer[place + 12 : place + 16]))
        place += 12 + length
    return found


def look_up(server: str, name: str) -> dict[str, Any]:
    """Ask until the resolver knows the name: its container has just been started, and a message may be lost.

    It is the same message each time, so that an answer counts however late it comes.
    """
    message, began = question(name, int.from_bytes(os.urandom(2), "big")), time.monotonic()
    error, silent = "no answer", True
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((server, DNS_PORT))
        except OSError as failure:
            return {"addresses": [], "error": str(failure)}
        asking.settimeout(PAUSE_S)
        while time.monotonic() < began + (SILENCE_DEADLINE_S if silent else NAME_DEADLINE_S):
            try:
                asking.send(message)
                answer = asking.recv(512)
                if answer[:2] == message[:2] and len(answer) >= len(message):
                    addresses = read_addresses(answer, message)
                    if addresses:
                        return {"addresses": addresses, "error": None}
                    silent, error = False, failed_with(answer[3] & 15)
                    time.sleep(PAUSE_S / 3)
            except socket.timeout:  # noqa: UP041
                continue
            except (OSError, struct.error) as failure:
                silent, error = False, str(failure)
                time.sleep(PAUSE_S)
    return {"addresses": [], "error": error}


def failed_with(code: int) -> str:
    """An answer without an address, in words (RFC 1035, section 4.1.1)."""
    return {0: "it has no address", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}.get(code, f"code {code}")
