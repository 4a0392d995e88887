"""The addresses of containers, by what the hosts' Dockers say: how full a pool is, who is outside it, who is alike.

Docker keeps to its pool by itself. Outside it are containers that live-restore kept through a change of the pool, and
those that were given an address by hand: in a network that a user made, `docker run --ip` takes any of its prefix.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from dockmesh.facts.types import Container, HostFacts
from dockmesh.model import DOCKER_BRIDGE
from dockmesh.plan.types import HostPlan

NEARLY_FULL = 0.8  # of a pool
OTHER_MAC = "start all but one of them anew, without `--mac-address` or with another one"


@dataclass(frozen=True, slots=True)
class PoolUse:
    """How many addresses of a host's pool running containers have, and how many it holds for them."""

    network: str
    used: int
    total: int

    @property
    def full(self) -> bool:
        return self.used >= self.total

    @property
    def nearly_full(self) -> bool:
        return self.used >= NEARLY_FULL * self.total


@dataclass(frozen=True, slots=True)
class Alike:
    """Devices with one MAC address, and on which hosts they are."""

    mac: str
    owners: Mapping[str, str]

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.owners.values()))

    @property
    def text(self) -> str:
        return f"{' and '.join(self.owners)} have the same MAC address {self.mac}"


def use(host: HostPlan, facts: HostFacts) -> tuple[PoolUse, ...]:
    """One a network of the mesh; of a host whose Docker does not answer none."""
    if facts.docker is None:
        return ()
    used = {each.address for each in _addressed(facts) if IPv4Address(each.address or "") in host.pool}
    return (PoolUse(DOCKER_BRIDGE, len(used), host.containers),)


def outside(host: HostPlan, facts: HostFacts) -> tuple[Container, ...]:
    """The containers of the host's Docker whose address is not in the pool."""
    return tuple(each for each in _addressed(facts) if IPv4Address(each.address or "") not in host.pool)


def outside_text(host: HostPlan, found: Iterable[Container]) -> str:
    shown = ", ".join(f"{each.name} ({each.address})" for each in found)
    return f"outside this host's pool {host.pool}, so another host may give out the same address: {shown}"


def _addressed(facts: HostFacts) -> Iterator[Container]:
    yield from (each for each in (facts.docker.containers if facts.docker else ()) if each.address)


def alike(hosts: Mapping[str, HostFacts]) -> tuple[Alike, ...]:
    """All MAC addresses that more than one device of the mesh has: bridges and containers of all hosts together.

    Two with one address have one MAC, too, for Docker makes it of the address; that is the address' trouble.
    """
    owners: dict[str, dict[str, str]] = defaultdict(dict)
    addresses: dict[str, set[str]] = defaultdict(set)
    for name, facts in hosts.items():
        if bridge := facts.link(DOCKER_BRIDGE):
            owners[bridge.mac][f"{bridge.name} of {name}"] = name
            addresses[bridge.mac].add(name)
        for each in facts.docker.containers if facts.docker else ():
            if each.mac:
                owners[each.mac][f"container {each.name} on {name}"] = name
                addresses[each.mac].add(each.address or each.id)
    return tuple(Alike(mac, who) for mac, who in sorted(owners.items()) if len(who) > 1 and len(addresses[mac]) > 1)
