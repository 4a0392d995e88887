"""Addresses that two have: by what the hosts say of themselves, and by who answered for them on the wire.

Neither is enough. Two containers with one address have one MAC too, so the wire shows one answer; and an address that
somebody set inside a container, or on a machine that is no host of the mesh, no host says.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from dockmesh.model import UnderlayAddress
from dockmesh.plan.types import Plan
from dockmesh.verify.evidence import Evidence
from dockmesh.verify.host import PAIRS
from dockmesh.verify.types import Cause, Fault

Claims = dict[str, dict[str, str]]  # by address, the owners of a Dispute


@dataclass(frozen=True, slots=True)
class Dispute:
    """An address with more than one owner, or with another than the plan's."""

    address: str
    right: str | None  # the host whose it is by the plan, if it is anybody's
    owners: Mapping[str, str]  # who has it, and on which host; "" for nobody knows where

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name in (self.right, *self.owners.values()) if name))


def disputes(plan: Plan, evidence: Evidence) -> Iterator[Dispute]:
    for address, owners in sorted(_claims(plan, evidence).items()):
        right, places = _right_host(plan, ip_address(address)), set(owners.values())
        # Two on one host are that host's own affair: its Docker sees to it, or its kernel knows both.
        if len(places) > 1 or (right is not None and places != {right}):
            yield Dispute(address, right, owners)


def problems(plan: Plan, evidence: Evidence) -> Iterator[Cause]:
    for dispute in disputes(plan, evidence):
        others = [who for who, name in dispute.owners.items() if name != dispute.right] or list(dispute.owners)
        yield Cause(
            Fault.ADDRESS_TAKEN,
            dispute.hosts,
            f"{dispute.address} belongs to {' and to '.join(dispute.owners)}",
            f"take it from {' and '.join(others)}"
            + (
                f": it is {dispute.right}'s; `dockmesh apply` sets docker0 and Docker's pool right"
                if dispute.right
                else ""
            ),
            PAIRS,
        )


def _right_host(plan: Plan, address: UnderlayAddress) -> str | None:
    seats = [(host.name, seat) for host in plan.hosts for seat in host.networks]
    bridges = (name for name, seat in seats if address in (seat.address.ip, seat.address6 and seat.address6.ip))
    pools = (name for name, seat in seats if any(address in pool for pool in (seat.pool, seat.pool6) if pool))
    return next(bridges, None) or next(pools, None)


def _claims(plan: Plan, evidence: Evidence) -> Claims:
    claims: Claims = defaultdict(dict)
    macs: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)  # by MAC and address, what is known to have both
    names = {network.name for network in plan.further}
    prefixes = [prefix for each in plan.networks for prefix in (each.prefix, each.prefix6) if prefix is not None]
    for name, known in evidence.hosts.items():
        for link in known.facts.links:
            for address in link.ips:
                if any(address in prefix for prefix in prefixes):
                    claims[str(address)][f"{link.name} of {name}"] = name
            macs[link.mac].setdefault("", (f"{link.name} of {name}", name))
        for container in known.facts.docker.containers if known.facts.docker else ():
            places = (place for place in container.places if place.network in names)
            inside = (address for place in places for address in (place.address, place.address6))
            for each in filter(None, (container.address, *inside)):
                claims[each][f"container {container.name} on {name}"] = name
        if known.container:
            claims[known.container.address][f"the probe container on {name}"] = name
            macs[known.container.mac][known.container.address] = (f"the probe container on {name}", name)
    for known in evidence.hosts.values():
        for answered, owners in known.from_container.owners.items():
            for mac in dict.fromkeys(owners.macs):
                who, where = macs[mac].get(answered) or macs[mac].get("") or _unknown(mac)
                if not any(name == where for name in claims[answered].values()) or not where:
                    claims[answered][who] = where
    return claims


def _unknown(mac: str) -> tuple[str, str]:
    return f"a device with the MAC address {mac}", ""
