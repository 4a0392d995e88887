"""Pings some addresses many times a second and says when each ping was sent, and when it was answered.

Python's standard library only, Python 3.7 or later: this text is sent to hosts that have nothing of ours. ping(8) spins
where this sleeps between two pings of 10 ms: a dozen of it took most of a processor.
Arguments: the file to write, seconds after which it ends by itself, the interval in milliseconds, the addresses. For
the file `-` it writes to standard output, and ends with standard input, too.
A line a round: `R ROUND MICROSECONDS`, the host's clock since 1970. A line an answer: `A ROUND PLACE MICROSECONDS`, the
place of the address, and how long the answer took. An answer that comes twice has two lines.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import sys
import time
from contextlib import ExitStack

WRITE_S = 0.05
MOST_BYTES = 1 << 26  # of a file whose reader is gone; it may lie in memory
BUFFER_BYTES = 1 << 20
STDIN, STDOUT = 0, 1
ECHO = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}  # RFC 792, RFC 4443: request and reply
PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}
SOL_RAW, ICMP_FILTER, NOTHING, BUT_REPLIES = (
    255,
    1,
    0xFFFFFFFF,
    0xFFFFFFFE,
)  # linux/icmp.h: the types not heard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def request(family: socket.AddressFamily, ident: int, number: int) -> bytes:
    """An echo request that carries its number, which ICMP's sequence numbers are too few for.

    The kernel sets the checksum of ICMPv6 by itself.
    """
    kind = ECHO[family][0]
    rest = struct.pack("!HHQ", ident, number & 0xFFFF, number)
    total = sum(struct.unpack("!8H", struct.pack("!BBH", kind, 0, 0) + rest))  # RFC 1071
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!BBH", kind, 0, ~(total + (total >> 16)) & 0xFFFF) + rest


def read_reply(family: socket.AddressFamily, packet: bytes) -> tuple[int, int] | None:
    """Identifier and number, if the packet is the answer to an echo. IPv4's come with their IP header (ipv6(7))."""
    message = packet if family == socket.AF_INET6 else packet[(packet[0] & 0x0F) * 4 :]
    if len(message) < 16:
        return None
    kind, _, _, ident, _, number = struct.unpack("!BBHHHQ", message[:16])
    return (ident, number) if kind == ECHO[family][1] else None


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def open_icmp(stack: ExitStack, family: socket.AddressFamily, deaf_to: int) -> socket.socket:
    icmp = stack.enter_context(socket.socket(family, socket.SOCK_RAW, PROTOCOL[family]))
    icmp.setblocking(False)
    if family == socket.AF_INET:
        icmp.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("=I", deaf_to))
    return icmp


class Pinger:
    """`lines` is what it has to say and has not yet said."""

    def __init__(self, stack: ExitStack, addresses: list[str]) -> None:
        base = int.from_bytes(os.urandom(2), "big")
        idents = [(base + place) & 0xFFFF for place in range(len(addresses))]
        self.places = {ident: place for place, ident in enumerate(idents)}
        self.listeners = {open_icmp(stack, family, BUT_REPLIES): family for family in set(map(family_of, addresses))}
        for listener in self.listeners:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        # A socket for each address, which only sends: what waits for a neighbour that does not answer takes the room
        # of its socket. With one for all, three hosts that are away keep pings to the others from being sent, for half
        # a second out of three (measured, Linux 6.18).
        self.targets = [
            (address, ident, open_icmp(stack, family_of(address), NOTHING))
            for address, ident in zip(addresses, idents)  # noqa: B905  not yet in Python 3.9
        ]
        # One offset for all: a clock that is set meanwhile makes no outage.
        self.clock_s = time.time() - time.monotonic()
        self.sent: dict[int, float] = {}
        self.lines: list[str] = []

    def send(self, now: float) -> None:
        number = len(self.sent) + 1
        self.sent[number] = now
        self.lines.append("R %d %d\n" % (number, (self.clock_s + now) * 1e6))  # noqa: UP031  shorter than its other forms
        for address, ident, sender in self.targets:
            # No route, no neighbour, a full queue: a ping that is not answered.
            with contextlib.suppress(OSError):
                sender.sendto(request(family_of(address), ident, number), (address, 0))

    def hear(self, listener: socket.socket) -> None:
        """All that has come."""
        family = self.listeners[listener]
        while True:
            try:
                reply = read_reply(family, listener.recv(2048))
            except OSError:
                return
            if reply is not None and reply[0] in self.places and reply[1] in self.sent:
                took_s = time.monotonic() - self.sent[reply[1]]
                self.lines.append("A %d %d %d\n" % (reply[1], self.places[reply[0]], took_s * 1e6))  # noqa: UP031


def ping(output: int, life_s: float, interval_s: float, addresses: list[str]) -> None:
    ends_with = [STDIN] if output == STDOUT else []
    began = next_s = write_s = time.monotonic()
    written = 0
    with ExitStack() as stack:
        pinger = Pinger(stack, addresses)
        while time.monotonic() < began + life_s and written < MOST_BYTES:
            now = time.monotonic()
            if now >= next_s:
                # Who was held up does not send all that is overdue at once.
                next_s = max(next_s + interval_s, now)
                pinger.send(now)
            waiting: list[Any] = [*pinger.listeners, *ends_with]
            ready, _, _ = select.select(waiting, [], [], max(0.0, next_s - time.monotonic()))
            if STDIN in ready and not os.read(STDIN, 1):
                return
            for listener in pinger.listeners:
                pinger.hear(listener)
            if now >= write_s:
                write_s = now + WRITE_S
                written += os.write(output, "".join(pinger.lines).encode())
                pinger.lines.clear()


if __name__ == "__main__":
    out = STDOUT if sys.argv[1] == "-" else os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    ping(out, float(sys.argv[2]), float(sys.argv[3]) / 1000, sys.argv[4:])
