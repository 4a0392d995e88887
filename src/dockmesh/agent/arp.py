"""Who answers for an address, by ARP: one owner, or two that do not know of each other.

Python's standard library only, Python 3.9 or later: this text is sent to hosts that have nothing of ours.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from typing import Any

ETH_P_ARP = 0x0806
ARP_REQUEST, ARP_REPLY = 1, 2
NOBODY = "0.0.0.0"  # noqa: S104  the sender of an ARP probe (RFC 5227): answers to it are ours alone, not the kernel's
ARP_DEADLINE_S = 3.0
PAUSE_S = 0.3  # how long an ARP probe is waited for before the next is sent
SECOND_OWNER_S = 0.15  # how long a second answer to an ARP probe is waited for


def arp_probe(mac: bytes, address: str) -> bytes:
    """An Ethernet frame that asks who has the address, in nobody's name."""
    head = b"\xff" * 6 + mac + struct.pack("!HHHBBH", ETH_P_ARP, 1, 0x0800, 6, 4, ARP_REQUEST)
    return head + mac + socket.inet_aton(NOBODY) + b"\0" * 6 + socket.inet_aton(address)


def read_arp_answer(frame: bytes) -> tuple[str, str] | None:
    """Address and MAC of an answer to an ARP probe, else None."""
    if len(frame) < 42 or struct.unpack("!H", frame[20:22])[0] != ARP_REPLY:
        return None
    if socket.inet_ntoa(frame[38:42]) != NOBODY:
        return None
    return socket.inet_ntoa(frame[28:32]), ":".join(f"{byte:02x}" for byte in frame[22:28])


def find_owners(addresses: list[str], device: str) -> list[dict[str, Any]]:
    """Who answers for each address: one question each, and more where nobody does, as any frame may be lost."""
    if not addresses:
        return []
    answers: dict[str, list[str]] = {address: [] for address in addresses}
    asked = dict.fromkeys(addresses, 0)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ARP)) as packets:
        packets.bind((device, ETH_P_ARP))
        mac = packets.getsockname()[4]
        deadline = time.monotonic() + ARP_DEADLINE_S
        while not all(answers.values()) and time.monotonic() < deadline:
            for address in addresses:
                if not answers[address]:
                    packets.send(arp_probe(mac, address))
                    asked[address] += 1
            pause = time.monotonic() + PAUSE_S
            while not all(answers.values()) and (left := pause - time.monotonic()) > 0:
                hear_arp(packets, answers, left)
        end = time.monotonic() + SECOND_OWNER_S
        while (left := end - time.monotonic()) > 0:
            hear_arp(packets, answers, left)
    return [{"address": address, "asked": asked[address], "macs": answers[address]} for address in addresses]


def hear_arp(packets: socket.socket, answers: dict[str, list[str]], wait_s: float) -> None:
    if select.select([packets], [], [], wait_s)[0]:
        heard = read_arp_answer(packets.recv(2048))
        if heard and heard[0] in answers:
            answers[heard[0]].append(heard[1])
