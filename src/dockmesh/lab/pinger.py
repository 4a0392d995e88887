"""Pings an address every so many seconds until its standard input ends; says when each answer came, and of which ping.

Runs on a host of a lab, by its own Python. Arguments: the address, and the seconds. The lines are as those of
`ping -D`, which spins where it should sleep between two pings of 10 ms: a dozen of it took most of a processor.
"""

import contextlib
import os
import select
import socket
import struct
import sys
import time

WRITE_S = 0.05
ECHO = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}  # RFC 792, RFC 4443: request and reply
PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}


def request(family: socket.AddressFamily, ident: int, number: int) -> bytes:
    """An echo request that carries its number; the kernel sets the checksum of ICMPv6 by itself."""
    rest = struct.pack("!HHQ", ident, number & 0xFFFF, number)
    kind = ECHO[family][0]
    total = sum(struct.unpack("!8H", struct.pack("!BBH", kind, 0, 0) + rest))  # RFC 1071
    total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!BBH", kind, 0, ~(total + (total >> 16)) & 0xFFFF) + rest


def number_of(packet: bytes, family: socket.AddressFamily, ident: int) -> int | None:
    """The number of the ping that it answers, if it answers one of ours."""
    message = packet if family == socket.AF_INET6 else packet[(packet[0] & 0x0F) * 4 :]
    if len(message) < 16:
        return None
    kind, _, _, whose, _, number = struct.unpack("!BBHHHQ", message[:16])
    return int(number) if (kind, whose) == (ECHO[family][1], ident) else None


def ping(address: str, interval_s: float) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    ident = int.from_bytes(os.urandom(2), "big")
    said: list[str] = []
    heard: set[int] = set()
    number, next_s, write_s = 0, time.monotonic(), 0.0
    with socket.socket(family, socket.SOCK_RAW, PROTOCOL[family]) as icmp:
        icmp.setblocking(False)
        while True:
            now = time.monotonic()
            if now >= next_s:
                number, next_s = number + 1, max(next_s + interval_s, now)
                # No route, no neighbour, a full queue: a ping that is not answered.
                with contextlib.suppress(OSError):
                    icmp.sendto(request(family, ident, number), (address, 0))
            ready, _, _ = select.select([icmp.fileno(), 0], [], [], max(0.0, next_s - time.monotonic()))
            if 0 in ready and not os.read(0, 1):
                break
            with contextlib.suppress(BlockingIOError):
                while True:
                    if (answered := number_of(icmp.recv(2048), family, ident)) is not None:
                        again = "(DUP!)" if answered in heard else ""
                        heard.add(answered)
                        said.append(f"[{time.time():.6f}] {address}: icmp_seq={answered} {again}\n")
            if now >= write_s and said:
                write_s = now + WRITE_S
                os.write(1, "".join(said).encode())
                said.clear()


if __name__ == "__main__":
    ping(sys.argv[1], float(sys.argv[2]))
