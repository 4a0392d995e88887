"""Pings some addresses until it is told to stop (SIGTERM), and keeps in a file how long each was silent.

Python's standard library only, Python 3.7 or later: this text is sent to hosts that have nothing of ours.
Arguments: the file, then the addresses. It ends by itself after an hour.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from contextlib import ExitStack

INTERVAL_S = 0.02
WRITE_S = 0.2
LIFE_S = 3600
ECHO_REQUEST, ECHO_REPLY = 8, 0
SOL_RAW, ICMP_FILTER, NOTHING = 255, 1, 0xFFFFFFFF  # linux/icmp.h: a bit for each type that is not to be heard
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Target:
    """One address, and what was heard of it. Times in seconds of the monotonic clock."""

    def __init__(self, address: str, ident: int) -> None:
        self.address = address
        self.ident = ident
        self.sent = 0
        self.answered: set[int] = set()
        self.twice = 0
        self.heard_at: float | None = None
        self.longest_s = 0.0

    def hear(self, sequence: int, now: float) -> None:
        if sequence in self.answered:
            self.twice += 1
            return
        self.answered.add(sequence)
        if self.heard_at is not None:
            self.longest_s = max(self.longest_s, now - self.heard_at - INTERVAL_S)
        self.heard_at = now

    def told(self, now: float) -> dict[str, Any]:
        silent_s = None if self.heard_at is None else now - self.heard_at
        return {
            "address": self.address,
            "sent": self.sent,
            "answered": len(self.answered),
            "twice": self.twice,
            "longest_ms": round(max(self.longest_s, silent_s or 0.0) * 1000),
            "silent_ms": None if silent_s is None else round(silent_s * 1000),
        }


def checksum(message: bytes) -> int:
    """RFC 1071; the message has an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(message) // 2}H", message))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def request(ident: int, sequence: int) -> bytes:
    head = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, ident, sequence)
    return struct.pack("!BBHHH", ECHO_REQUEST, 0, checksum(head), ident, sequence)


def open_mouths(stack: ExitStack, count: int) -> list[socket.socket]:
    """A socket for each address, which only sends.

    What waits for a neighbour that does not answer takes the room of its socket: with one for all, three hosts that are
    away keep pings to the others from being sent, for half a second out of three (measured, Linux 6.18).
    """
    mouths = [
        stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)) for _ in range(count)
    ]
    for mouth in mouths:
        mouth.setblocking(False)
        mouth.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("=I", NOTHING))
    return mouths


def read_reply(packet: bytes) -> tuple[int, int] | None:
    """Identifier and sequence number, if the IP packet is the answer to an echo."""
    start = (packet[0] & 0x0F) * 4
    if len(packet) < start + 8:
        return None
    kind, _, _, ident, sequence = struct.unpack("!BBHHH", packet[start : start + 8])
    return (ident, sequence) if kind == ECHO_REPLY else None


def write(path: str, targets: list[Target]) -> None:
    now = time.monotonic()
    with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump([target.told(now) for target in targets], file)
    os.replace(path + ".new", path)


def watch(path: str, addresses: list[str]) -> None:
    base = int.from_bytes(os.urandom(2), "big")
    targets = [Target(address, (base + place) & 0xFFFF) for place, address in enumerate(addresses)]
    by_ident = {target.ident: target for target in targets}
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    began = send_at = write_at = time.monotonic()
    with ExitStack() as stack:
        icmp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
        icmp.setblocking(False)
        mouths = open_mouths(stack, len(targets))
        while not stopped and time.monotonic() < began + LIFE_S:
            now = time.monotonic()
            if now >= send_at:
                send_at = now + INTERVAL_S
                for target, mouth in zip(targets, mouths):  # noqa: B905  not yet in Python 3.9
                    target.sent = target.sent + 1 & 0xFFFF
                    # No route, no neighbour, a full queue: a ping that is not answered.
                    with contextlib.suppress(OSError):
                        mouth.sendto(request(target.ident, target.sent), (target.address, 0))
            if now >= write_at:
                write_at = now + WRITE_S
                write(path, targets)
            select.select([icmp], [], [], max(0.0, send_at - time.monotonic()))
            read(icmp, by_ident)
    write(path, targets)


def read(icmp: socket.socket, by_ident: dict[int, Target]) -> None:
    while True:
        try:
            reply = read_reply(icmp.recv(65535))
        except OSError:
            return
        if reply is not None and reply[0] in by_ident:
            by_ident[reply[0]].hear(reply[1], time.monotonic())


if __name__ == "__main__":
    watch(sys.argv[1], sys.argv[2:])
