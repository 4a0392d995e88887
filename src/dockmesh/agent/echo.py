"""Pings with DF: whether a packet of a size arrives, and how long the answer takes.

Python's standard library only, Python 3.9 or later: this text is sent to hosts that have nothing of ours.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time
from typing import Any

# Linux's numbers; Python's socket module does not have them all.
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER = 10, 23
IPV6_DONTFRAG = 62
IP_PMTUDISC_PROBE = 3  # DF is set, and the device's MTU is the only limit: what a router once said does not count

IP_HEADER, IPV6_HEADER, ICMP_HEADER = 20, 40, 8
ECHO_REQUEST, ECHO_REPLY = 8, 0
ECHO_REQUEST_6, ECHO_REPLY_6 = 128, 129

SMALL_PACKET = 64  # bytes
PING_DEADLINE_S = 3.0  # the first packet may wait for ARP
SIZE_DEADLINE_S = 1.5
PAUSE_S = 0.3  # how long an echo is waited for before the next is sent


def checksum(message: bytes) -> int:
    """RFC 1071: the complement of the one's complement sum of the 16-bit words."""
    padded = message + b"\0" * (len(message) % 2)
    total: int = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo_request(ident: int, sequence: int, packet_size: int, *, version: int = 4) -> bytes:
    """An ICMP echo request that makes an IP packet of `packet_size` bytes. ICMPv6's checksum is the kernel's work."""
    header = IP_HEADER if version == 4 else IPV6_HEADER
    payload = bytes(index & 0xFF for index in range(packet_size - header - ICMP_HEADER))
    if version == 6:
        return struct.pack("!BBHHH", ECHO_REQUEST_6, 0, 0, ident, sequence) + payload
    head = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, ident, sequence)
    return struct.pack("!BBHHH", ECHO_REQUEST, 0, checksum(head + payload), ident, sequence) + payload


def read_reply(packet: bytes, ident: int, *, version: int = 4) -> int | None:
    """Which echo request of ours a packet answers, if any: a raw socket is shown all ICMP of its peer.

    IPv4's come with their IP header, IPv6's without (ipv6(7)).
    """
    start = (packet[0] & 0x0F) * 4 if version == 4 else 0
    if len(packet) < start + ICMP_HEADER:
        return None
    kind, code, _, its_ident, sequence = struct.unpack("!BBHHH", packet[start : start + ICMP_HEADER])
    return sequence if (kind, code, its_ident) == (ECHO_REPLY if version == 4 else ECHO_REPLY_6, 0, ident) else None


def version_of(address: str) -> int:
    return 6 if ":" in address else 4


def open_icmp(address: str) -> socket.socket:
    if version_of(address) == 4:
        opened = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        opened.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
    else:
        opened = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        opened.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, IP_PMTUDISC_PROBE)
        opened.setsockopt(socket.IPPROTO_IPV6, IPV6_DONTFRAG, 1)
    opened.connect((address, 0))
    return opened


def echo(address: str, packet_size: int, deadline_s: float) -> dict[str, Any]:
    """Ping with DF until one answer is there. `ms` None: no answer; `error`: why the last packet did not leave.

    An answer counts however late it comes: a busy host may take longer than the pause between two pings.
    """
    end = time.monotonic() + deadline_s
    ident, sequence, error = int.from_bytes(os.urandom(2), "big"), 0, None
    sent_at: dict[int, float] = {}
    with open_icmp(address) as icmp:
        while time.monotonic() < end:
            sequence += 1
            now = sent_at[sequence] = time.monotonic()
            try:
                icmp.send(echo_request(ident, sequence, packet_size, version=version_of(address)))
                error = None
                answered = wait_for_reply(icmp, ident, min(end, now + PAUSE_S), version=version_of(address))
                if answered is not None and answered in sent_at:
                    return {"ms": (time.monotonic() - sent_at[answered]) * 1000, "sent": sequence, "error": None}
            except OSError as failure:  # no neighbour, no route: it may come; too long will not change
                error = errno.errorcode.get(failure.errno or 0, str(failure))
                if failure.errno == errno.EMSGSIZE:
                    break
                select.select([], [], [], PAUSE_S)
    return {"ms": None, "sent": sequence, "error": error}


def wait_for_reply(icmp: socket.socket, ident: int, end: float, *, version: int) -> int | None:
    while (left := end - time.monotonic()) > 0:
        icmp.settimeout(left)
        try:
            answered = read_reply(icmp.recv(65535), ident, version=version)
        except socket.timeout:  # noqa: UP041  not yet TimeoutError in Python 3.9
            return None
        if answered is not None:
            return answered
    return None


def is_refused(address: str, packet_size: int) -> bool:
    """Whether this machine itself says that the packet is too long, as it must for TCP to choose its segments."""
    with open_icmp(address) as icmp:
        try:
            icmp.send(echo_request(1, 1, packet_size, version=version_of(address)))
        except OSError as failure:
            return failure.errno == errno.EMSGSIZE
    return False


def reach(target: dict[str, Any]) -> dict[str, Any]:
    """Small packets, the largest one, one too large."""
    address, size = target["address"], target["size"]
    try:
        result: dict[str, Any] = {"name": target["name"], "ping": echo(address, SMALL_PACKET, PING_DEADLINE_S)}
        if result["ping"]["ms"] is not None:
            again = echo(address, SMALL_PACKET, PAUSE_S)["ms"]  # the first had to wait for ARP
            result["ping"]["ms"] = min(result["ping"]["ms"], again or result["ping"]["ms"])
            result["full"] = echo(address, size, SIZE_DEADLINE_S)
            result["refused"] = is_refused(address, size + 1)
    except OSError as failure:  # what keeps one target from being measured keeps no other
        return {"name": target["name"], "ping": {"ms": None, "sent": 0, "error": str(failure)}}
    return result
