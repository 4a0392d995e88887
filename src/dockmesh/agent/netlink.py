"""The kernel by netlink(7): which devices there are, what addresses they have, and word of changes.

Python's standard library only, Python 3.7 or later.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12
# Groups of these: RTMGRP_LINK, RTMGRP_IPV4_ROUTE and RTMGRP_IPV4_RULE; and NFNLGRP_NFTABLES, which is the seventh.
LINKS, ROUTES, POLICIES, RULES = 1, 1 << 6, 1 << 7, 1 << 6
# netlink(7), rtnetlink(7), linux/if_link.h
REQUEST, ROOT_AND_MATCH = 1, 0x300
ERROR, DONE, NEW_LINK, GET_LINK, NEW_ADDRESS, GET_ADDRESS = 2, 3, 16, 18, 20, 22
ADDRESS, NAME, OTHER_END, MASTER, NAMESPACE, IN_NAMESPACE = 1, 3, 5, 10, 37, 46
CARRIER = 0x10000
# Of addresses: linux/if_addr.h, and linux/netlink.h. Kernels before 4.20 do not know it.
LOCAL, ADDRESS_IN_NAMESPACE = 2, 10
SOL_NETLINK, STRICT = 270, 12
PATIENCE_S = 10.0  # for each of the kernel's answers

if TYPE_CHECKING:
    from collections.abc import Iterator


class Device:
    """A device: its number, whether it has a carrier, and its attributes by their numbers."""

    def __init__(self, body: bytes) -> None:
        self.index, flags = struct.unpack("=iI", body[4:12])
        self.carrier = bool(flags & CARRIER)
        self.attributes = dict(attributes(body[16:]))

    def number(self, key: int) -> int | None:
        """The attribute of that key as a number; None where the device has none."""
        value = self.attributes.get(key)
        return None if value is None else int(struct.unpack("=i", value[:4])[0])

    @property
    def name(self) -> str:
        return self.attributes.get(NAME, b"").rstrip(b"\0").decode(errors="replace")

    @property
    def mac(self) -> str:
        return ":".join(f"{each:02x}" for each in self.attributes.get(ADDRESS, b""))


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """By number the values, up to the first that cannot be one."""
    while len(data) >= 4:
        length, kind = struct.unpack("=HH", data[:4])
        if length < 4:
            return
        yield kind & 0x3FFF, data[4:length]
        data = data[(length + 3) & ~3 :]


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """By kind the bodies, up to the first that cannot be one."""
    while len(data) >= 16:
        length, kind = struct.unpack("=IH", data[:6])
        if length < 16:
            return
        yield kind, data[16:length]
        data = data[(length + 3) & ~3 :]


def ask(kind: int, flags: int, body: bytes) -> Iterator[tuple[int, bytes]]:
    """The answers to a request of that kind, by their kinds; one, if there are no flags. Raises OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE) as asking:
        asking.settimeout(PATIENCE_S)
        asking.bind((0, 0))
        if kind == GET_ADDRESS:
            asking.setsockopt(SOL_NETLINK, STRICT, 1)
        asking.send(struct.pack("=IHHII", 16 + len(body), kind, REQUEST | flags, 1, 0) + body)
        while True:
            for answered, answer in messages(asking.recv(1 << 18)):
                if answered == ERROR:
                    raise OSError(-struct.unpack("=i", answer[:4])[0], "the kernel answers")
                if answered == DONE:
                    return
                yield answered, answer
                if not flags:
                    return


def links(index: int = 0, namespace: int | None = None) -> list[Device]:
    """All of this network namespace, or the one of that number, in another namespace if told. Raises OSError."""
    body = struct.pack("=4xi8x", index)
    if namespace is not None:
        body += struct.pack("=HHi", 8, IN_NAMESPACE, namespace)
    answers = ask(GET_LINK, 0 if index else ROOT_AND_MATCH, body)
    return [Device(answer) for kind, answer in answers if kind == NEW_LINK]


def addresses(index: int, namespace: int) -> tuple[str, ...]:
    """Those of IPv4 that a device there has, sorted. Raises OSError, also where the kernel is too old to be asked."""
    body = struct.pack("=B3xiHHi", socket.AF_INET, index, 8, ADDRESS_IN_NAMESPACE, namespace)
    answers = [answer for kind, answer in ask(GET_ADDRESS, ROOT_AND_MATCH, body) if kind == NEW_ADDRESS]
    found = (dict(attributes(answer[8:])).get(LOCAL) for answer in answers if answer[4:8] == struct.pack("=i", index))
    return tuple(sorted(socket.inet_ntoa(each) for each in found if each))


def monitor(protocol: int, group: int) -> socket.socket:
    """One that only hears what the kernel tells such a group, and never blocks. Raises OSError."""
    listening = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol)
    listening.bind((0, group))
    listening.setblocking(False)
    return listening
