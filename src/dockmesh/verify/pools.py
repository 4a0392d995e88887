"""The addresses of containers, by what the hosts' Dockers say: how full a pool is, who is outside it, who is alike.

Docker keeps to its pool by itself. Outside it are containers that live-restore kept through a change of the pool, and
those that were given an address by hand: in a network that a user made, `docker run --ip` takes any of its prefix.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from dockmesh.facts.docker import DEFAULT_NETWORK
from dockmesh.facts.types import Container, HostFacts
from dockmesh.model.network import DOCKER_BRIDGE
from dockmesh.plan.types import HostNetwork, HostPlan, Plan

NEARLY_FULL = 0.8  # of a pool
# Of a pool that has no address left.
ROOM = "remove containers that nobody needs, or write a larger pool into the mesh file and run `dockmesh apply`"
OTHER_MAC = "start all but one of them again, without `--mac-address` or with another one"


@dataclass(frozen=True, slots=True)
class PoolUse:
    """How many addresses of a host's pool running containers have, and how many it holds for them."""

    network: str
    used: int
    total: int
    version: int = 4  # of IP: 6 for its pool6

    @property
    def shown(self) -> str:
        return f"pool{'6' if self.version == 6 else ''} of {self.network}"

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
    pool: IPv4Network | IPv6Network
    containers: tuple[tuple[str, str], ...]  # name and address

    @property
    def text(self) -> str:
        shown = ", ".join(f"{name} ({address})" for name, address in self.containers)
        return f"outside this host's pool {self.pool}, so another host may give out the same address: {shown}"

    def do(self, host: str) -> str:
        names = " ".join(name for name, _ in self.containers)
        if self.network == DOCKER_BRIDGE:
            return f"run `docker restart {names}` on {host}"
        option = "--ip6" if self.pool.version == 6 else "--ip"
        return f"start {names} on {host} again, without `{option}` or with one of the pool"


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
    """One a network of the mesh, and one more where that has IPv6; of a host whose Docker does not answer none."""
    if facts.docker is None:
        return ()
    return tuple(each for network in host.networks for each in _use(network, facts))


def _use(network: HostNetwork, facts: HostFacts) -> Iterator[PoolUse]:
    used = {address for _, address in _in(network, facts) if address in network.pool}
    yield PoolUse(network.name, len(used), network.containers)
    if network.pool6 is not None and network.address6 is not None:
        kept = (network.address6.network.network_address, network.address6.ip)
        total = network.pool6.num_addresses - sum(address in network.pool6 for address in kept)
        used6 = {address for _, address in _in6(network, facts) if address in network.pool6}
        yield PoolUse(network.name, len(used6), total, version=6)


def _in6(network: HostNetwork, facts: HostFacts) -> Iterator[tuple[Container, IPv6Address]]:
    for container in facts.docker.containers if facts.docker else ():
        for place in container.places:
            if place.network == docker_name(network.name) and place.address6:
                yield container, IPv6Address(place.address6)


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
        if network.pool6 is None:
            continue
        pools6 = [each.pool6 for each in (network, *others) if each.pool6 is not None]
        strays = tuple(
            (container.name, str(address))
            for container, address in _in6(network, facts)
            if not any(address in pool for pool in pools6)
        )
        if strays:
            found.append(Outside(network.name, network.pool6, strays))
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
