"""The addresses of containers, by what the hosts' Dockers say: how full a pool is, who is outside it, who is alike.

Docker keeps to its pool by itself. Outside it are containers that live-restore kept through a change of the pool, and
those that were given an address by hand: in a network that a user made, `docker run --ip` takes any of its prefix.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from dockmesh.facts.docker import DEFAULT_NETWORK
from dockmesh.facts.types import Container, HostFacts
from dockmesh.model import DOCKER_BRIDGE
from dockmesh.plan.types import HostNetwork, HostPlan, Plan

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
class Outside:
    """Containers of one host whose address in a network is not in the pool that the host has of it."""

    network: str
    pool: IPv4Network
    containers: tuple[tuple[str, str], ...]  # name and address

    @property
    def text(self) -> str:
        shown = ", ".join(f"{name} ({address})" for name, address in self.containers)
        return f"outside this host's pool {self.pool}, so another host may give out the same address: {shown}"

    def do(self, host: str) -> str:
        names = " ".join(name for name, _ in self.containers)
        if self.network == DOCKER_BRIDGE:
            return f"run `docker restart {names}` on {host}"
        return f"start {names} on {host} anew, without `--ip` or with one of the pool"


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
    return tuple(
        PoolUse(each.name, len({address for _, address in _in(each, facts) if address in each.pool}), each.containers)
        for each in host.networks
    )


def outside(host: HostPlan, facts: HostFacts, plan: Plan | None = None) -> tuple[Outside, ...]:
    """By network. With `plan`, only those that are in nobody else's pool either."""
    found = []
    for network in host.networks:
        others = [each for other in plan.hosts if (each := other.on(network.name))] if plan else []
        strays = tuple(
            (container.name, str(address))
            for container, address in _in(network, facts)
            if not any(address in each.pool for each in (network, *others))
        )
        if strays:
            found.append(Outside(network.name, network.pool, strays))
    return tuple(found)


def _in(network: HostNetwork, facts: HostFacts) -> Iterator[tuple[Container, IPv4Address]]:
    """The containers that are in a network, with their addresses there."""
    for container in facts.docker.containers if facts.docker else ():
        for place in container.places:
            if place.network == docker_name(network.name):
                yield container, IPv4Address(place.address)


def docker_name(network: str) -> str:
    """Docker's name of a network of the mesh."""
    return DEFAULT_NETWORK if network == DOCKER_BRIDGE else network


def alike(plan: Plan, hosts: Mapping[str, HostFacts]) -> tuple[Alike, ...]:
    """All MAC addresses that more than one device of a network has: bridges and containers of all hosts together.

    Two with one address have one MAC, too, for Docker makes it of the address; that is the address' trouble.
    """
    owners: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    addresses: dict[tuple[str, str], set[str]] = defaultdict(set)
    for host in plan.hosts:
        if (facts := hosts.get(host.name)) is None:
            continue
        for network, mac, who, address in _devices(host, facts):
            owners[network, mac][who] = host.name
            addresses[network, mac].add(address)
    return tuple(
        Alike(mac, who)
        for (network, mac), who in sorted(owners.items())
        if len(who) > 1 and len(addresses[network, mac]) > 1
    )


def _devices(host: HostPlan, facts: HostFacts) -> Iterator[tuple[str, str, str, str]]:
    """Network, MAC address, who has it, and their IP address."""
    for network in host.networks:
        if bridge := facts.link(network.bridge):
            yield network.name, bridge.mac, f"{bridge.name} of {host.name}", str(network.address.ip)
        for container in facts.docker.containers if facts.docker else ():
            for place in container.places:
                if place.network == docker_name(network.name) and place.mac:
                    yield network.name, place.mac, f"container {container.name} on {host.name}", place.address
