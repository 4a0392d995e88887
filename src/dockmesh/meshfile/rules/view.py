"""The networks of a file, each alike, for IPv4 and for IPv6.

What hosts have in docker0 stands at the hosts themselves, what they have in others in entries there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from dockmesh.meshfile.blocks import Address, Net
from dockmesh.meshfile.excerpt import clipped
from dockmesh.meshfile.keys.host import AllocationSection, HostSection
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.keys.network import NetworkSection
from dockmesh.meshfile.types import Located
from dockmesh.model.network import DOCKER_BRIDGE, NETWORK_BRIDGE


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """What a host has in a network. `shown` names both, where the network is not docker0."""

    host: HostSection
    shown: str
    address: Located[Address] | None
    pool: Located[Net] | None


@dataclass(frozen=True, slots=True)
class NetworkView:
    """`name` is "" for docker0. A network without a prefix has no view: there is nothing to compare anything with."""

    name: str
    section: NetworkSection
    prefix: Located[Net]
    members: tuple[Member, ...]

    @property
    def version(self) -> int:
        """Of IP: 4 or 6."""
        return self.prefix.value.version

    @property
    def key(self) -> str:
        """Of the prefix."""
        return NetworkSection.prefix.name if self.version == 4 else NetworkSection.prefix6.name

    @property
    def the_prefix(self) -> str:
        """For a sentence."""
        return f"the {self.key} of {clipped(self.name)}" if self.name else f"the {self.key}"

    @property
    def bridge(self) -> str:
        """The Linux bridge of the network."""
        return f"{NETWORK_BRIDGE}{clipped(self.name)}" if self.name else DOCKER_BRIDGE


def views(mesh: MeshSection) -> Iterator[NetworkView]:
    """Of every network with a name, and once more of those that have a prefix6; docker0 first."""
    hosts = mesh.every_host
    for network in mesh.every_network[:1]:
        if network.prefix:
            members = (Member(host, host.shown, host.address, host.pool) for host in hosts)
            yield NetworkView("", network, network.prefix, tuple(members))
    for network in mesh.every_network[1:]:
        name, entries = (
            network.label.value,
            [(f"{h.shown} in {network.shown}", h, s) for h, s in allocations(mesh, network)],
        )
        if name and network.prefix:
            members = (Member(host, shown, allocation.address, allocation.pool) for shown, host, allocation in entries)
            yield NetworkView(name, network, network.prefix, tuple(members))
        if name and network.prefix6:
            members = (
                Member(host, shown, allocation.address6, allocation.pool6) for shown, host, allocation in entries
            )
            yield NetworkView(name, network, network.prefix6, tuple(members))


def allocations(mesh: MeshSection, network: NetworkSection) -> list[tuple[HostSection, AllocationSection]]:
    """Each entry that a host has for the network."""
    name = network.label.value
    return [
        (host, allocation)
        for host in mesh.every_host
        for allocation in host.allocations
        if name and allocation.label.value == name
    ]
