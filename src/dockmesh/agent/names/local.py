"""What is this host's own: its addresses, and the networks behind its bridges, as the kernel tells."""

from __future__ import annotations

import os
import socket
import struct
from ipaddress import IPv4Address, IPv4Network

ROUTES = "/proc/net/route"
DEVICES = "/sys/class/net"
UP, GATEWAY = 0x1, 0x2  # route flags (linux/route.h)


def is_own_address(address: str) -> bool:
    """Of this host: what goes there comes from there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 9))  # sends nothing
        except OSError:
            return False
        return bool(probe.getsockname()[0] == address)


def is_behind_bridge(address: str, routes: str = ROUTES, devices: str = DEVICES) -> bool:
    """Whether the address is in the network of a bridge that only this host's own can be in.

    Docker has such networks that it names nowhere: those of builds, and the way out of Swarm's containers.
    """
    try:
        with open(routes, encoding="utf-8") as file:
            lines = file.read().splitlines()[1:]
    except OSError:
        return False
    return any(
        is_inner_bridge(device, devices)
        for device, network in map(_connected, lines)
        if network is not None and IPv4Address(address) in network
    )


def _connected(line: str) -> tuple[str, IPv4Network | None]:
    """A device, and the network that is reached on it without a gateway."""
    words = line.split()
    if len(words) < 8:
        return "", None
    target, flags, mask = int(words[1], 16), int(words[3], 16), int(words[7], 16)
    if not flags & UP or flags & GATEWAY or not mask:
        return words[0], None
    address, netmask = (IPv4Address(struct.pack("=L", each)) for each in (target, mask))
    return words[0], IPv4Network(f"{address}/{netmask}")


def is_inner_bridge(device: str, devices: str = DEVICES) -> bool:
    """A Linux bridge without a real device in it, which would join it to other machines."""
    members = f"{devices}/{device}/brif"
    try:
        return not any(os.path.exists(f"{devices}/{member}/device") for member in os.listdir(members))
    except OSError:
        return False
