"""Networks into a mesh file and out of it: pure, and nothing else of the text changes.

What comes out is read again, and must be the mesh that was there with the network more or less; else it is refused.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from dockmesh.errors import UsageError
from dockmesh.meshfile import tree
from dockmesh.meshfile.edit.format_like import allocation_lines, network_lines
from dockmesh.meshfile.edit.layout import UNCHANGED, Layout, edit
from dockmesh.meshfile.excerpt import listed
from dockmesh.meshfile.keys.host import HostSection
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.keys.network import NetworkSection
from dockmesh.meshfile.load import parse
from dockmesh.meshfile.source import decode
from dockmesh.model.mesh import Host
from dockmesh.model.network import DOCKER_BRIDGE, Allocation, Network

WHAT = "its networks or hosts"


def add_network(file: str, content: bytes, network: Network, allocations: Mapping[str, Allocation]) -> bytes:
    """The content with the network after those that it has, and what each host on it has there, by the host's name.

    Raises UsageError when the mesh would not hold, or when the layout is one that is not edited here.
    """
    mesh = parse(file, content)
    known = [each.name for each in mesh.networks]
    if network.name in known:
        raise UsageError(
            f"there is a network {network.name} already",
            answered=_place(Layout(file, decode(file, content).text), known.index(network.name)),
            now=UNCHANGED,
            do=f"give the new one another name, or take that one out first: dockmesh network remove {network.name}"
            if network.name != DOCKER_BRIDGE
            else "give the new one another name",
        )

    def change(layout: Layout) -> Layout:
        layout = layout.with_item((MeshSection.networks,), partial(network_lines, network=network))
        for name, allocation in allocations.items():
            layout = _with_allocation(layout, name, allocation)
        return layout

    hosts = (
        replace(host, allocations=(*host.allocations, allocations[host.name])) if host.name in allocations else host
        for host in mesh.hosts
    )
    wanted = replace(mesh, networks=(*mesh.networks, network), hosts=tuple(hosts))
    return edit(file, content, change, wanted, what=f"cannot put the network {network.name} into {file}", parts=WHAT)


def _place(layout: Layout, number: int) -> str | None:
    network = layout.find(MeshSection.networks, number)
    name = network.get(NetworkSection.name.name) if isinstance(network, tree.Mapping) else None
    if name is None:
        return None
    span = name.span
    return f"in {layout.file}:{span.line}:{span.column}"


def remove_network(file: str, content: bytes, name: str) -> bytes:
    """The content without the network, and without what hosts have there.

    Raises UsageError for docker0, for a name that the file has not, and when the layout is one that is not edited here.
    """
    mesh = parse(file, content)
    known = [network.name for network in mesh.further]
    if name == DOCKER_BRIDGE:
        raise UsageError(
            f"{DOCKER_BRIDGE} is Docker's own network, and stays as long as the mesh does",
            now=UNCHANGED,
            do="`dockmesh destroy` takes the whole mesh down",
        )
    if name not in known:
        has = f"it has {DOCKER_BRIDGE} and {listed(known, limit=20)}" if known else f"it has {DOCKER_BRIDGE} alone"
        raise UsageError(f"{file} has no network {name}", do=f"choose one that it has: {has}")

    def change(layout: Layout) -> Layout:
        layout = layout.without_item(MeshSection.networks, 1 + known.index(name))
        for host in mesh.hosts:
            if name in [allocation.network for allocation in host.allocations]:
                layout = _without_allocation(layout, host.name, name)
        return layout

    wanted = replace(
        mesh,
        networks=tuple(network for network in mesh.networks if network.name != name),
        hosts=tuple(_without(host, name) for host in mesh.hosts),
    )
    return edit(file, content, change, wanted, what=f"cannot take the network {name} out of {file}", parts=WHAT)


def _without(host: Host, name: str) -> Host:
    return replace(host, allocations=tuple(allocation for allocation in host.allocations if allocation.network != name))


def _with_allocation(layout: Layout, name: str, allocation: Allocation) -> Layout:
    host, networks = (MeshSection.hosts, name), HostSection.networks
    if networks.name in layout.keys(*host):
        return layout.with_item((*host, networks), partial(allocation_lines, allocation=allocation))
    return layout.with_item(host, partial(allocation_lines, allocation=allocation, key=networks.name))


def _without_allocation(layout: Layout, name: str, network: str) -> Layout:
    """With the last entry of a host its key goes, too."""
    networks = (MeshSection.hosts, name, HostSection.networks)
    alone = len(layout.at(*networks).items) == 1
    return layout.without_item(*networks) if alone else layout.without_item(*networks, network)
