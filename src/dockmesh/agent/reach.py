"""Sends GRE packets to other hosts and listens for theirs: whether the underlay carries the tunnels, and how large.

Python's standard library only: this text is sent to hosts that have nothing of ours. All hosts run it at one time.
Its packets carry EtherType 0x88B5 (IEEE 802, for experiments) and tunnels carry 0x6558, so no tunnel takes them for
a frame of its own.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import select
import socket
import struct
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor
from typing import Any

IP_MTU_DISCOVER, IP_PMTUDISC_PROBE = 10, 3  # DF is set, and the device's MTU is the only limit
ETH_P_ALL = 0x0003
PACKET_OUTGOING = 4  # packet(7)
SO_ATTACH_FILTER = 26

IP_HEADER, GRE_HEADER, PROTOCOL = 20, 4, 47
EXPERIMENT = 0x88B5
MARK = "dockmesh-preflight"
SMALL, FULL = "small", "full"

PAUSE_S = 0.1  # between two rounds of packets
LINGER_S = 0.3  # how long the others are still told that all of theirs came
PING_DEADLINE_S = 1.5
SIZE_DEADLINE_S = 0.8
LEAST_MTU = 576  # RFC 791: every host takes it
STEPS = 16  # sizes tried at once
THREADS = 64

# Classic BPF, on a packet that begins with its IP header: protocol 47, and our EtherType in the GRE header.
FILTER = (
    (0x30, 0, 0, 9),  # ldb [9]
    (0x15, 0, 4, PROTOCOL),
    (0xB1, 0, 0, 0),  # ldxb 4*([0]&0xf)
    (0x48, 0, 0, 2),  # ldh [x + 2]
    (0x15, 0, 1, EXPERIMENT),
    (0x06, 0, 0, 0x40000),
    (0x06, 0, 0, 0),
)


class Peer:
    """What is known of one other host by now."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.name = str(order["name"])
        self.address = str(order["address"])
        self.size = int(order["size"])
        self.heard = {"raw": set(), "wire": set()}  # type: dict[str, set[str]]
        self.has_all = False  # it has heard both kinds from us
        self.errors = {}  # type: dict[str, str]


def attach_filter(opened: socket.socket) -> None:
    """A host that carries tunnels already has much GRE: only our own comes up to us."""
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in FILTER))
    opened.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(FILTER), ctypes.addressof(program)))


def packet(token: str, sender: str, target: str, kind: str, size: int, *, has_all: bool) -> bytes:
    """A GRE packet without its IP header, that makes `size` bytes with it; 0: as small as it can be."""
    words = json.dumps([MARK, token, sender, target, kind, has_all]).encode()
    message = struct.pack("!HH", 0, EXPERIMENT) + words
    return message.ljust(size - IP_HEADER, b"\0")


def read(received: bytes, token: str, me: str) -> tuple[str, str, bool] | None:
    """Sender, kind, and whether the sender has heard all of ours; None for what is not for us."""
    if len(received) < IP_HEADER + GRE_HEADER:
        return None
    start = (received[0] & 0x0F) * 4
    if received[start : start + GRE_HEADER] != struct.pack("!HH", 0, EXPERIMENT):
        return None
    try:
        words = json.loads(received[start + GRE_HEADER :].rstrip(b"\0").decode())
        mark, its_token, sender, target, kind, has_all = words
    except ValueError:
        return None
    return (sender, kind, has_all) if (mark, its_token, target) == (MARK, token, me) else None


def open_raw(source: str) -> socket.socket:
    """Sends, and hears what the host's firewall lets through."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
    attach_filter(raw)
    raw.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
    try:
        raw.bind((source, 0))
    except OSError as failure:
        # Behind a NAT that maps one to one the host does not have the address that the others know it by.
        if failure.errno != errno.EADDRNOTAVAIL:
            raise
    raw.setblocking(False)
    return raw


def open_wire() -> socket.socket:
    """Hears what comes in on any device, before any firewall of the host."""
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    attach_filter(wire)
    wire.setblocking(False)
    return wire


def send(raw: socket.socket, peer: Peer, order: dict[str, Any], done: bool) -> None:
    for kind, size in ((SMALL, 0), (FULL, peer.size)):
        message = packet(order["token"], order["name"], peer.name, kind, size, has_all=done)
        try:
            raw.sendto(message, (peer.address, 0))
            peer.errors.pop(kind, None)
        except OSError as failure:
            peer.errors[kind] = errno.errorcode.get(failure.errno or 0, str(failure))


def hear(opened: socket.socket, way: str, peers: dict[str, Peer], order: dict[str, Any]) -> None:
    """All that is there to be read."""
    while True:
        try:
            received, where = opened.recvfrom(65535)
        except BlockingIOError:
            return
        except OSError:
            return  # what an ICMP error said of a packet of ours
        if way == "wire" and where[2] == PACKET_OUTGOING:
            continue
        found = read(received, order["token"], order["name"])
        if found and found[0] in peers:
            peers[found[0]].heard[way].add(found[1])
            peers[found[0]].has_all = peers[found[0]].has_all or found[2]


def exchange(peers: dict[str, Peer], order: dict[str, Any]) -> None:
    """Send to all and hear all, until all is heard on all sides or the time is up."""
    both = {SMALL, FULL}
    way = order["way"]
    with open_raw(order["source"]) as raw, open_wire() as wire:
        end = time.monotonic() + order["window_s"]
        next_at = 0.0
        done_at = None
        while (now := time.monotonic()) < end:
            if now >= next_at:
                for peer in peers.values():
                    send(raw, peer, order, both <= peer.heard[way])
                next_at = now + PAUSE_S
            ready = select.select([raw, wire], [], [], max(0.0, min(next_at, end) - now))[0]
            for opened in ready:
                hear(opened, "raw" if opened is raw else "wire", peers, order)
            if done_at is None and all(both <= peer.heard[way] and peer.has_all for peer in peers.values()):
                done_at = time.monotonic()
            if done_at is not None and time.monotonic() > done_at + LINGER_S:
                return


def ping(probe: Any, peer: Peer) -> dict[str, Any]:
    """The same by ICMP, and if a full packet does not pass, the largest that does."""
    small = probe.echo(peer.address, probe.SMALL_PACKET, PING_DEADLINE_S)
    if small["ms"] is None:
        return {"ping_ms": None, "ping_error": small["error"], "largest": None}
    full = probe.echo(peer.address, peer.size, SIZE_DEADLINE_S)
    largest = peer.size if full["ms"] is not None else find_largest(probe, peer)
    return {"ping_ms": small["ms"], "ping_error": None, "largest": largest}


def find_largest(probe: Any, peer: Peer) -> int | None:
    """In rounds of sizes that are tried together; None if not even the least passes."""
    low, high = LEAST_MTU - 1, peer.size
    while high - low > 1:
        step = max(1, (high - low) // STEPS)
        sizes = list(range(low + step, high, step))
        with ThreadPoolExecutor(len(sizes)) as pool:
            passed = list(pool.map(lambda size: probe.echo(peer.address, size, SIZE_DEADLINE_S)["ms"], sizes))
        good = [size for size, ms in zip(sizes, passed) if ms is not None]  # noqa: B905  not yet in Python 3.9
        low = max([low, *good])
        high = min([high, *(size for size in sizes if size > low)])
    return low if low >= LEAST_MTU else None


def main(order: dict[str, Any]) -> dict[str, Any]:
    probe = types.ModuleType("probe")
    exec(order["probe"], probe.__dict__)  # noqa: S102  our own text
    peers = {str(each["name"]): Peer(each) for each in order["peers"]}
    with ThreadPoolExecutor(max(1, min(THREADS, len(peers)))) as pool:
        pings = [pool.submit(ping, probe, peer) for peer in peers.values()]
        try:
            exchange(peers, order)
            error = None
        except OSError as failure:
            error = os.strerror(failure.errno) if failure.errno else str(failure)
        answered = [running.result() for running in pings]
    return {
        "error": error,
        "peers": [
            {
                "name": peer.name,
                "raw": sorted(peer.heard["raw"]),
                "wire": sorted(peer.heard["wire"]),
                "errors": peer.errors,
                **pinged,
            }
            for peer, pinged in zip(peers.values(), answered)  # noqa: B905
        ],
    }


if __name__ == "__main__":
    json.dump(main(json.loads(sys.stdin.read())), sys.stdout)
