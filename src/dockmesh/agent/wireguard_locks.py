"""What keeps the addresses inside from being reached in clear: a route that other routing policies come after, and
rules of nftables.

Python's standard library only, Python 3.7 or later.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dockmesh.agent.programs import run
from dockmesh.agent.telling import say
from dockmesh.agent.wireguard_settings import TABLE, rules

# Of the route: behind every one that somebody means, and by the protocol it is known as ours.
LOCK_METRIC, LOCK_PROTOCOL = "4278198272", "83"
# Of the routing policy: behind the table of the host's own addresses only. A VPN that takes all of a host's traffic has
# a policy that comes before the table of this route.
PRIORITY = "83"

if TYPE_CHECKING:
    from typing import Any


class Locks:
    """Both of them, put back where somebody takes one away."""

    def __init__(self) -> None:
        self.closed = False  # whether the addresses inside are unreachable but by the device
        self.loaded: tuple[str, str | None] = ("", None)  # the rules that were loaded, and how nft lists them

    def close(self, settings: dict[str, Any]) -> bool:
        """Whether all of it stands. The route comes first: it needs no program that may not be there."""
        self.closed = lock(settings["prefix"])
        first = come_first(settings["prefix"])
        return self.guard(settings) and first

    def guard(self, settings: dict[str, Any]) -> bool:
        """The second lock, which somebody may flush: then it is put back."""
        wanted = rules(settings)
        if self.loaded == (wanted, listed()):
            return True
        if self.loaded[0] == wanted:
            say("somebody changed the rules: they are put back")
        if run("nft", "-f", "-", text=wanted) is None:
            return False
        self.loaded = (wanted, listed())
        return self.loaded[1] is not None


def lock(prefix: str) -> bool:
    """The first lock. The route of another prefix stays until the device has let go of its address."""
    there = unreachable()
    if there is None or prefix in there:
        return there is not None
    route = ("unreachable", prefix, "metric", LOCK_METRIC, "proto", LOCK_PROTOCOL)
    return run("ip", "route", "replace", *route) is not None


def come_first(prefix: str) -> bool:
    """Whether the main table, which has the route, is asked for that prefix before any policy of others."""
    there = policies()
    if there is None or prefix in there:
        return there is not None
    policy = ("to", prefix, "lookup", "main", "priority", PRIORITY, "protocol", LOCK_PROTOCOL)
    return run("ip", "-4", "rule", "add", *policy) is not None


def policies() -> list[str] | None:
    """The prefixes that a policy of ours is for; None where the kernel does not say."""
    said = run("ip", "-4", "rule", "show")
    if said is None:
        return None
    words = (line.split() for line in said.splitlines() if line.startswith(f"{PRIORITY}:"))
    return [each[each.index("to") + 1] for each in words if "to" in each and each[-2:] == ["proto", LOCK_PROTOCOL]]


def unreachable() -> list[str] | None:
    """The prefixes that a route of ours locks; None where the kernel does not say."""
    said = run("ip", "-4", "route", "show", "type", "unreachable", "proto", LOCK_PROTOCOL)
    if said is None:
        return None
    return [line.split()[1] for line in said.splitlines() if f"metric {LOCK_METRIC}" in line]


def listed() -> str | None:
    """Our table, without what its rules counted; None where it is not there."""
    return run("nft", "--stateless", "list", "table", *TABLE.split(), may_fail=True)


def let_go(settings: dict[str, Any]) -> bool:
    """Take away what an earlier prefix left; whether all of it went.

    Its address goes first, so that no tunnel sends from there, and its lock last.
    """
    device, prefix, own = settings["device"], settings["prefix"], settings["address"]
    gone = [run("ip", "address", "del", f"{each}/32", "dev", device) for each in addresses(device) if each != own]
    # The kernel takes a route away together with the address that it sends from; one of somebody's own it does not.
    routes = [line.split()[0] for line in (run("ip", "-4", "route", "show", "dev", device) or "").splitlines()]
    gone += [run("ip", "route", "flush", "exact", each, "dev", device) for each in routes if each != prefix]
    lock = ("type", "unreachable", "proto", LOCK_PROTOCOL, "exact")
    gone += [run("ip", "route", "flush", *lock, each) for each in unreachable() or () if each != prefix]
    rule = ("ip", "-4", "rule", "del", "priority", PRIORITY, "to")
    gone += [run(*rule, each) for each in policies() or () if each != prefix]
    return None not in gone


def addresses(device: str) -> list[str]:
    """Those of IPv4 that a device has."""
    links = json.loads(run("ip", "-json", "-4", "address", "show", "dev", device) or "[]")
    return [str(each["local"]) for link in links for each in link.get("addr_info", ()) if "local" in each]
