"""Which of a host's addresses the other hosts reach it at."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from dockmesh.facts.types import LinuxLink
from dockmesh.model.mesh import UnderlayAddress
from dockmesh.model.network import ENCRYPTING_DEVICE

ROUTES = ("ip", "-json", "-4", "route", "show", "table", "all")
LOCK_PROTOCOL = "83"  # of the route that agent/wireguard.py makes
DEFAULT_ROUTE = ("ip", "-json", "-4", "route", "show", "default")


@dataclass(frozen=True, slots=True)
class Underlay:
    address: UnderlayAddress
    mtu: int
    device: str


def read_default_device(answer: str) -> str | None:
    """The device of the default route, if there is one."""
    routes = json.loads(answer or "[]")
    return next((str(route["dev"]) for route in routes if "dev" in route), None)


def find_underlay(
    links: tuple[LinuxLink, ...], reached_at: str | None, default_device: str | None, *, given: bool = False
) -> Underlay | None:
    """The address that SSH came to; else the one of the default route.

    IPv6 is for those who ask for it: only an address that is given, or that SSH came to where there is no IPv4.

    None where neither is told apart from others: an address is not guessed.
    """
    everything = [
        Underlay(address, link.mtu, link.name)
        for link in links
        for address in link.ips
        if not address.is_loopback and not address.is_link_local and not link.name.startswith("docker")
    ]
    candidates = [found for found in everything if found.address.version == 4]
    at = [found for found in everything if str(found.address) == reached_at]
    for chosen in (
        [found for found in at if given or found.address.version == 4],
        [found for found in candidates if found.device == default_device],
        candidates,
        at,
    ):
        if len(chosen) == 1:
            return chosen[0]
    return None


def read_taken(links: Sequence[LinuxLink], routes: str) -> tuple[IPv4Network, ...]:
    """What a host has addresses in and routes to, but for those of an encryption of ours that is there already."""
    found = {each.network for link in links if link.name != ENCRYPTING_DEVICE for each in link.addresses}
    for route in json.loads(routes or "[]"):
        ours = route.get("dev") == ENCRYPTING_DEVICE or str(route.get("protocol")) == LOCK_PROTOCOL
        if route.get("dst", "default") != "default" and not ours:
            found.add(IPv4Network(route["dst"]))
    return tuple(sorted(found))
