"""Pings some addresses many times a second and notes when each ping was sent, and when it was answered.

Python's standard library only, Python 3.7 or later; it comes with agent/gap.py, and both go again.
Arguments: the file to write, seconds after which it ends by itself, the interval in milliseconds, the addresses.
A line a round: `R ROUND MICROSECONDS`, the host's clock since 1970. A line an answer: `A ROUND PLACE MICROSECONDS`, the
place of the address, and how long the answer took.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import sys
import time

from dockmesh.agent.gap import ICMP_FILTER, SOL_RAW, open_mouths, read_reply, request

WRITE_S = 0.1
ROUNDS = 1 << 16  # as many as ICMP's sequence numbers can tell apart
BUT_REPLIES = 0xFFFFFFFE
BUFFER_BYTES = 1 << 20


def open_icmp() -> socket.socket:
    icmp = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    icmp.setblocking(False)
    icmp.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("=I", BUT_REPLIES))
    icmp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    return icmp


def ping(path: str, life_s: float, interval_s: float, addresses: list[str]) -> None:
    base = int.from_bytes(os.urandom(2), "big")
    idents = [(base + place) & 0xFFFF for place in range(len(addresses))]
    places = {ident: place for place, ident in enumerate(idents)}
    began = next_s = write_s = time.monotonic()
    # One offset for all: a clock that is set meanwhile makes no gap.
    clock_s = time.time() - began
    sent: dict[int, float] = {}
    lines: list[str] = []
    number = 0
    with contextlib.ExitStack() as stack:
        icmp = stack.enter_context(open_icmp())
        mouths = open_mouths(stack, len(addresses))
        file = stack.enter_context(open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w"))
        while time.monotonic() < began + life_s:
            now = time.monotonic()
            if now >= next_s:
                # Who was held up does not send all that is overdue at once.
                next_s = max(next_s + interval_s, now)
                number = (number + 1) % ROUNDS
                sent[number] = now
                lines.append("R %d %d" % (number, (clock_s + now) * 1e6))  # noqa: UP031  shorter than its other forms
                for mouth, ident, address in zip(mouths, idents, addresses):  # noqa: B905  not yet in Python 3.9
                    # No route, no neighbour, a full queue: a ping that is not answered.
                    with contextlib.suppress(OSError):
                        mouth.sendto(request(ident, number), (address, 0))
            select.select([icmp], [], [], max(0.0, next_s - time.monotonic()))
            hear(icmp, places, sent, lines)
            if now >= write_s:
                write_s = now + WRITE_S
                file.write("".join(line + "\n" for line in lines))
                file.flush()
                lines.clear()


def hear(icmp: socket.socket, places: dict[int, int], sent: dict[int, float], lines: list[str]) -> None:
    while True:
        try:
            reply = read_reply(icmp.recv(65535))
        except OSError:
            return
        if reply is not None and reply[0] in places and reply[1] in sent:
            lines.append("A %d %d %d" % (reply[1], places[reply[0]], (time.monotonic() - sent[reply[1]]) * 1e6))  # noqa: UP031


if __name__ == "__main__":
    ping(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]) / 1000, sys.argv[4:])
