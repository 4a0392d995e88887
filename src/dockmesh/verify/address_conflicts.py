"""Addresses that two have: by what the hosts say of themselves, and by who answered for them on the wire.

Neither is enough. Two containers with one address have one MAC too, so the wire shows one answer; and an address that
somebody set inside a container, or on a machine that is no host of the mesh, no host says.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_address

from dockmesh.facts.types import Container, HostFacts
from dockmesh.model.mesh import UnderlayAddress
from dockmesh.model.network import DOCKER_BRIDGE
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.verify.evidence import MeshEvidence
from dockmesh.verify.host import PAIRS
from dockmesh.verify.tunnel import APPLY
from dockmesh.verify.types import Cause, CauseKind


@dataclass(frozen=True, slots=True)
class Owner:
    """Where somebody is who has an address, and how it is taken from them. `host` "": nobody knows where."""

    host: str
    do: str


Claims = dict[str, dict[str, Owner]]  # by address, the owners of an AddressConflict
Macs = dict[str, dict[str, tuple[str, Owner]]]  # by MAC and address, what is known to have both; "" for any address


@dataclass(frozen=True, slots=True)
class AddressConflict:
    """An address with more than one owner, or with another than the plan's."""

    address: str
    right: str | None  # the host whose it is by the plan, if it is anybody's
    owners: Mapping[str, Owner]  # by who has it

    @property
    def hosts(self) -> tuple[str, ...]:
        places = (owner.host for owner in self.owners.values())
        return tuple(dict.fromkeys(name for name in (self.right, *places) if name))

    @property
    def do(self) -> str:
        others = {who: owner for who, owner in self.owners.items() if owner.host != self.right} or self.owners
        whose = f"; {self.address} is {self.right}'s" if self.right else ""
        return f"{'; '.join(dict.fromkeys(owner.do for owner in others.values()))}{whose}"


def conflicts(plan: Plan, evidence: MeshEvidence) -> Iterator[AddressConflict]:
    for address, owners in sorted(_claims(plan, evidence).items()):
        right, places = _right_host(plan, ip_address(address)), {owner.host for owner in owners.values()}
        # Two on one host are that host's own affair: its Docker sees to it, or its kernel knows both.
        if len(places) > 1 or (right is not None and places != {right}):
            yield AddressConflict(address, right, owners)


def problems(plan: Plan, evidence: MeshEvidence) -> Iterator[Cause]:
    for conflict in conflicts(plan, evidence):
        seen = f"{conflict.address} belongs to {' and to '.join(conflict.owners)}"
        yield Cause(CauseKind.ADDRESS_TAKEN, conflict.hosts, seen, conflict.do, PAIRS)


def _right_host(plan: Plan, address: UnderlayAddress) -> str | None:
    allocations = [(host.name, allocation) for host in plan.hosts for allocation in host.networks]
    bridges = (
        name
        for name, allocation in allocations
        if address in (allocation.address.ip, allocation.address6 and allocation.address6.ip)
    )
    pools = (
        name
        for name, allocation in allocations
        if any(address in pool for pool in (allocation.pool, allocation.pool6) if pool)
    )
    return next(bridges, None) or next(pools, None)


def _claims(plan: Plan, evidence: MeshEvidence) -> Claims:
    claims: Claims = defaultdict(dict)
    macs: Macs = defaultdict(dict)
    for name, known in evidence.hosts.items():
        planned, facts = plan.host(name), known.facts
        _add_links(plan, planned, facts, claims, macs)
        for container in facts.docker.containers if facts.docker else ():
            _add_container(plan, planned, facts, container, claims=claims, macs=macs)
        if known.container:
            who, owner = f"the probe container on {name}", Owner(name, APPLY)  # Docker has another pool
            claims[known.container.address][who] = owner
            macs[known.container.mac][known.container.address] = (who, owner)
    for known in evidence.hosts.values():
        for answered, owners in known.from_container.owners.items():
            for mac in dict.fromkeys(owners.macs):
                who, owner = macs[mac].get(answered) or macs[mac].get("") or _unknown(mac)
                if not any(each.host == owner.host for each in claims[answered].values()) or not owner.host:
                    claims[answered][who] = owner
    return claims


def _add_links(plan: Plan, planned: HostPlan, facts: HostFacts, claims: Claims, macs: Macs) -> None:
    name = planned.name
    prefixes = [prefix for each in plan.networks for prefix in (each.prefix, each.prefix6) if prefix is not None]
    ours = {device for allocation in planned.networks for device in (allocation.bridge, allocation.switch)}
    for link in facts.links:
        interfaces: list[IPv4Interface | IPv6Interface] = [*link.addresses, *link.addresses6]
        for interface in interfaces:
            if any(interface.ip in prefix for prefix in prefixes):
                mended = link.name in ours and _right_host(plan, interface.ip) is not None
                do = APPLY if mended else f"run `ip address del {interface} dev {link.name}` on {name}"
                claims[str(interface.ip)][f"{link.name} of {name}"] = Owner(name, do)
        macs[link.mac].setdefault("", (f"{link.name} of {name}", Owner(name, f"take it from {link.name} of {name}")))


def _add_container(
    plan: Plan, planned: HostPlan, facts: HostFacts, container: Container, *, claims: Claims, macs: Macs
) -> None:
    who = f"container {container.name} on {planned.name}"
    networks = {network.name for network in plan.further}
    for network, inside, mac in _places(container):
        if mac:  # what somebody set inside goes with its network namespace
            owner = Owner(planned.name, f"run `docker restart {container.name}` on {planned.name}")
            macs[mac].setdefault("", (who, owner))
        if network in networks or inside == container.address:
            claims[inside][who] = Owner(planned.name, _give_back(planned, facts, container, network))


def _places(container: Container) -> Iterator[tuple[str, str, str | None]]:
    """Network, address and MAC address."""
    if container.address:
        mac = next((each.mac for each in container.places if each.address == container.address), None)
        yield DOCKER_BRIDGE, container.address, mac
    for place in container.places:
        yield from ((place.network, each, place.mac) for each in (place.address, place.address6) if each)


def _give_back(planned: HostPlan, facts: HostFacts, container: Container, network: str) -> str:
    """Docker gives an address of its pool at the next start; in a further network somebody may have asked for one."""
    if network != DOCKER_BRIDGE:
        return f"recreate {container.name} on {planned.name}, without `--ip` and `--ip6` or with addresses of its pool"
    if facts.docker is not None and facts.docker.pool != planned.pool:
        return APPLY
    return f"run `docker restart {container.name}` on {planned.name}"


def _unknown(mac: str) -> tuple[str, Owner]:
    do = f"find the device (`tcpdump -eni {DOCKER_BRIDGE} ether host {mac}` on the hosts) and take the address from it"
    return f"a device with the MAC address {mac}", Owner("", do)
