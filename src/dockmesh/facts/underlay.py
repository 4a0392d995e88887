"""Which of a host's addresses the other hosts reach it at."""

import json
from dataclasses import dataclass
from ipaddress import IPv4Address

from dockmesh.facts.types import LinuxLink

DEFAULT_ROUTE = ("ip", "-json", "-4", "route", "show", "default")


@dataclass(frozen=True, slots=True)
class Underlay:
    address: IPv4Address
    mtu: int
    device: str


def read_default_device(answer: str) -> str | None:
    """The device of the default route, if there is one."""
    routes = json.loads(answer or "[]")
    return next((str(route["dev"]) for route in routes if "dev" in route), None)


def find_underlay(links: tuple[LinuxLink, ...], reached_at: str | None, default_device: str | None) -> Underlay | None:
    """The address that SSH came to, or on its device if that was IPv6; else the one of the default route.

    None where neither is told apart from others: an address is not guessed.
    """
    candidates = [
        (Underlay(interface.ip, link.mtu, link.name), link)
        for link in links
        for interface in link.addresses
        if not interface.ip.is_loopback and not interface.ip.is_link_local and not link.name.startswith("docker")
    ]
    for chosen in (
        [found for found, _ in candidates if str(found.address) == reached_at],
        [found for found, _ in candidates if found.device == default_device],
        [found for found, _ in candidates],
    ):
        if len(chosen) == 1:
            return chosen[0]
    return None
