"""Sends a tunnel's packets to other hosts and listens for theirs: whether the underlay carries them, and how large.

Python's standard library only, Python 3.9 or later: this text is sent to hosts that have nothing of ours. All hosts run
it at one time.
No tunnel takes its packets for a frame of its own: in GRE and Geneve they carry EtherType 0x88B5 (IEEE 802, for
experiments) and not 0x6558, and in VXLAN the flag is missing that makes a VNI valid (RFC 7348: such are dropped).
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

IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_PROBE = 10, 23, 3  # DF is set; the device's MTU is the only limit
IPV6_DONTFRAG = 62  # and the sender does not fragment either
IPV6_CHECKSUM = 7  # the kernel writes UDP's, which IPv6 does not go without
ETH_P_ALL = 0x0003
PACKET_OUTGOING = 4  # packet(7)
SO_ATTACH_FILTER = 26

IP_HEADER = {4: 20, 6: 40}
GRE, UDP = 47, 17
EXPERIMENT = 0x88B5
SOURCE_PORT = 0x88B5  # of UDP; any would do
UDP_HEADER = 8
MARK = "dockmesh-preflight"
BEGINNING = b'["'  # of what a packet says
SMALL, FULL = "small", "full"

PAUSE_S = 0.1  # between two rounds of packets
LINGER_S = 0.3  # how long the others are still told that all of theirs came
PING_DEADLINE_S = 1.5
SIZE_DEADLINE_S = 0.8
LEAST_MTU = 576  # RFC 791: every host takes it
STEPS = 16  # sizes tried at once
TRIES = 2  # of each
THREADS = 64

LOAD_BYTE, LOAD_HALF, JUMP_IF_EQUAL, RETURN = 0x30, 0x28, 0x15, 0x06  # classic BPF (bpf_common.h)
NETWORK = -0x100000  # SKF_NET_OFF: from the beginning of the IP header, whatever the socket shows


class Wire:
    """How a kind of tunnel looks on the underlay, by the order: `kind`, `port` of UDP, and the version of IP."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.version = 6 if ":" in order["source"] else 4
        self.ip_header = IP_HEADER[self.version]
        self.port = order["port"]
        self.protocol = UDP if self.port else GRE
        # Of the tunnel's header the first four bytes tell ours from a tunnel's.
        self.head = struct.pack("!HH", 0, 0 if order["kind"] == "vxlan" else EXPERIMENT)
        self.offset = UDP_HEADER if self.port else 0  # of the tunnel's header behind the IP header
        self.padding = b"\0" * 4 if self.port else b""  # a GRE header has four bytes, the others eight

    def packet(self, words: bytes, size: int, port: int | None = None) -> bytes:
        """Without its IP header, so that it makes `size` bytes with it; 0: as small as it can be.

        `port` is where it goes to, if a NAT maps another one to that of the tunnels.
        """
        message = self.head + self.padding + words
        message = message.ljust(size - self.ip_header - self.offset, b"\0")
        if not self.port:
            return message
        return struct.pack("!HHHH", SOURCE_PORT, port or self.port, UDP_HEADER + len(message), 0) + message

    def words(self, received: bytes) -> bytes | None:
        """Of a packet that begins behind its IP header what it says; None where it is a tunnel's own."""
        start = self.offset + len(self.head)
        if received[self.offset : start] != self.head:
            return None
        return received[start + len(self.padding) :].rstrip(b"\0")

    def filter(self) -> list[tuple[int, int, int, int]]:
        """A host that carries tunnels already has much of them: only our own comes up to us, by its first words.

        A NAT changes the port that it comes from.
        """
        at = NETWORK + self.ip_header
        tests = [(LOAD_BYTE, NETWORK + (9 if self.version == 4 else 6), self.protocol)]
        if self.port:
            tests += [(LOAD_HALF, at + 2, self.port)]
        tests += [(LOAD_HALF, at + self.offset + 2, struct.unpack("!H", self.head[2:])[0])]
        tests += [(LOAD_HALF, at + self.offset + len(self.head + self.padding), struct.unpack("!H", BEGINNING)[0])]
        steps = []
        for number, (load, where, value) in enumerate(tests):
            steps += [(load, 0, 0, where & 0xFFFFFFFF), (JUMP_IF_EQUAL, 0, 2 * (len(tests) - number) - 1, value)]
        return [*steps, (RETURN, 0, 0, 0x40000), (RETURN, 0, 0, 0)]


class ReachedPeer:
    """What is known of one other host by now."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.name = str(order["name"])
        self.address = order["address"]  # type: str | None  # None: nobody knows it beforehand
        self.port = order.get("port")  # type: int | None  # of UDP, where it is another than ours
        self.size = int(order["size"])
        self.finds_us = order.get("finds_us", True)  # whether it knows where we are, so that its packets can come
        self.heard = {"raw": set(), "wire": set()}  # type: dict[str, set[str]]
        self.has_all = self.address is None  # it has heard both kinds from us
        self.errors = {}  # type: dict[str, str]

    def all_came(self, way: str) -> bool:
        return not self.finds_us or {SMALL, FULL} <= self.heard[way]


def attach_filter(opened: socket.socket, wire: Wire) -> None:
    steps = wire.filter()
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    opened.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(steps), ctypes.addressof(program)))


def packet(
    wire: Wire, token: str, sender: str, target: str, kind: str, *, size: int, has_all: bool, port: int | None = None
) -> bytes:
    return wire.packet(json.dumps([MARK, token, sender, target, kind, has_all]).encode(), size, port)


def read(wire: Wire, received: bytes, token: str, me: str) -> tuple[str, str, bool] | None:
    """Sender, kind, and whether the sender has heard all of ours; None for what is not for us.

    `received` begins behind the IP header.
    """
    said = wire.words(received)
    if said is None:
        return None
    try:
        mark, its_token, sender, target, kind, has_all = json.loads(said.decode())
    except (ValueError, TypeError, RecursionError):  # anybody can send anything here
        return None
    if (mark, its_token, target) != (MARK, token, me) or not isinstance(sender, str):
        return None
    return (sender, kind, has_all) if kind in (SMALL, FULL) and isinstance(has_all, bool) else None


def open_raw(wire: Wire, source: str) -> socket.socket:
    """Sends, and hears what the host's firewall lets through; where a tunnel listens on the port of UDP, too."""
    is_4 = wire.version == 4
    raw = socket.socket(socket.AF_INET if is_4 else socket.AF_INET6, socket.SOCK_RAW, wire.protocol)
    attach_filter(raw, wire)
    if is_4:
        raw.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE)
    else:
        raw.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE)
        raw.setsockopt(socket.IPPROTO_IPV6, IPV6_DONTFRAG, 1)
        if wire.port:
            raw.setsockopt(socket.IPPROTO_IPV6, IPV6_CHECKSUM, 6)
    try:
        raw.bind((source, 0))
    except OSError as failure:
        # Behind a NAT that maps one to one the host does not have the address that the others know it by.
        if failure.errno != errno.EADDRNOTAVAIL:
            raise
    raw.setblocking(False)
    return raw


def open_wire(wire: Wire) -> socket.socket:
    """Hears what comes in on any device, before any firewall of the host."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
    attach_filter(opened, wire)
    opened.setblocking(False)
    return opened


def send(wire: Wire, raw: socket.socket, peer: ReachedPeer, order: dict[str, Any], done: bool) -> None:
    if peer.address is None:
        return
    for kind, size in ((SMALL, 0), (FULL, peer.size)):
        message = packet(wire, order["token"], order["name"], peer.name, kind, size=size, has_all=done, port=peer.port)
        try:
            raw.sendto(message, (peer.address, 0))
            peer.errors.pop(kind, None)
        except OSError as failure:
            peer.errors[kind] = errno.errorcode.get(failure.errno or 0, str(failure))


def hear(wire: Wire, opened: socket.socket, way: str, peers: dict[str, ReachedPeer], order: dict[str, Any]) -> None:
    """All that is there to be read. A raw socket of IPv6 shows no IP header (raw(7), ipv6(7))."""
    skipped = 0 if way == "raw" and wire.version == 6 else wire.ip_header
    while True:
        try:
            received, where = opened.recvfrom(65535)
        except BlockingIOError:
            return
        except OSError:
            return  # what an ICMP error said of a packet of ours
        if way == "wire" and where[2] == PACKET_OUTGOING:
            continue
        found = read(wire, received[skipped:], order["token"], order["name"])
        if found and found[0] in peers:
            peers[found[0]].heard[way].add(found[1])
            peers[found[0]].has_all = peers[found[0]].has_all or found[2]


def exchange(peers: dict[str, ReachedPeer], order: dict[str, Any]) -> None:
    """Send to all and hear all, until all is heard on all sides or the time is up."""
    way, wire = order["way"], Wire(order)
    with open_raw(wire, order["source"]) as raw, open_wire(wire) as everything:
        end = time.monotonic() + order["window_s"]
        next_at = 0.0
        done_at = None
        while (now := time.monotonic()) < end:
            if now >= next_at:
                for peer in peers.values():
                    send(wire, raw, peer, order, peer.all_came(way))
                next_at = now + PAUSE_S
            ready = select.select([raw, everything], [], [], max(0.0, min(next_at, end) - now))[0]
            for opened in ready:
                hear(wire, opened, "raw" if opened is raw else "wire", peers, order)
            if done_at is None and all(peer.all_came(way) and peer.has_all for peer in peers.values()):
                done_at = time.monotonic()
            if done_at is not None and time.monotonic() > done_at + LINGER_S:
                return


def ping(echo: Any, peer: ReachedPeer) -> dict[str, Any]:
    """The same by ICMP, and if a full packet does not pass, the largest that does."""
    if peer.address is None:
        return {"ping_ms": None, "ping_error": None, "largest": None}
    try:
        small = echo.echo(peer.address, echo.SMALL_PACKET, PING_DEADLINE_S)
    except OSError as failure:  # no route leads there
        return {"ping_ms": None, "ping_error": errno.errorcode.get(failure.errno or 0), "largest": None}
    if small["ms"] is None:
        return {"ping_ms": None, "ping_error": small["error"], "largest": None}
    largest = peer.size if passes(echo, peer, peer.size) else find_largest(echo, peer)
    return {"ping_ms": small["ms"], "ping_error": None, "largest": largest}


def passes(echo: Any, peer: ReachedPeer, size: int) -> bool:
    """One that gets lost on a busy host is no answer to that."""
    return any(echo.echo(peer.address, size, SIZE_DEADLINE_S)["ms"] is not None for _ in range(TRIES))


def find_largest(echo: Any, peer: ReachedPeer) -> int | None:
    """In rounds of sizes that are tried together; None if not even the least passes."""
    low, high = LEAST_MTU - 1, peer.size
    while high - low > 1:
        step = max(1, (high - low) // STEPS)
        sizes = list(range(low + step, high, step))
        with ThreadPoolExecutor(len(sizes)) as pool:
            passed = list(pool.map(lambda size: passes(echo, peer, size), sizes))
        good = [size for size, well in zip(sizes, passed) if well]  # noqa: B905  not yet in Python 3.9
        low = max([low, *good])
        high = min([high, *(size for size in sizes if size > low)])
    return low if low >= LEAST_MTU else None


def main(order: dict[str, Any]) -> dict[str, Any]:
    echo = types.ModuleType("echo")
    exec(order["echo"], echo.__dict__)  # noqa: S102  our own text
    peers = {str(each["name"]): ReachedPeer(each) for each in order["peers"]}
    with ThreadPoolExecutor(max(1, min(THREADS, len(peers)))) as pool:
        pings = [pool.submit(ping, echo, peer) for peer in peers.values()]
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
