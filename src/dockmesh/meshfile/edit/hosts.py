"""Hosts into a mesh file and out of it: pure, and nothing else of the text changes.

What comes out is read again, and must be the mesh that was there with the hosts more or fewer; else it is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from dockmesh.errors import UsageError
from dockmesh.meshfile.edit.format_like import host_lines, name_line, pair_line
from dockmesh.meshfile.edit.layout import UNCHANGED, Layout, Path, edit
from dockmesh.meshfile.excerpt import listed
from dockmesh.meshfile.keys.fabric import FabricSection
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.keys.network import NetworkSection
from dockmesh.meshfile.keys.topology import LinksSection, SitesSection
from dockmesh.meshfile.load import parse
from dockmesh.meshfile.source import LINE_BREAK, decode
from dockmesh.meshfile.tree import Mapping
from dockmesh.model.mesh import Host, Links, Mesh, Sites, Topology
from dockmesh.model.network import Network

TOPOLOGY = (MeshSection.fabric, FabricSection.topology)
LINKS, SITES = (*TOPOLOGY, LinksSection.links), (*TOPOLOGY, SitesSection.sites)


def _hosts_of(network: int) -> Path:
    return (MeshSection.networks, network, NetworkSection.hosts)


def add_hosts(
    file: str,
    content: bytes,
    hosts: Sequence[Host],
    links: Sequence[tuple[str, str]] = (),
    *,
    site: str | None = None,
    networks: Sequence[str] = (),
) -> bytes:
    """The content with the hosts after those that it has, and the links after its links, if it lists them.

    Where the file has sites, the hosts come last in `site`; and last in the lists of these `networks`.

    Raises UsageError when the mesh would not hold, or when the layout is one that is not edited here.
    """
    mesh = parse(file, content)
    names = tuple(host.name for host in hosts)
    listing = [number for number, each in enumerate(mesh.networks) if each.name in networks and each.hosts]

    def change(layout: Layout) -> Layout:
        for host in hosts:
            layout = layout.with_item((MeshSection.hosts,), partial(host_lines, host=host))
            for path in [*([(*SITES, site)] if site else []), *map(_hosts_of, listing)]:
                layout = layout.with_item(path, partial(name_line, name=host.name))
        for pair in links:
            layout = layout.with_item(LINKS, partial(pair_line, pair=pair))
        return layout

    joined = tuple(
        replace(each, hosts=(*each.hosts, *names)) if each.hosts is not None and each.name in networks else each
        for each in mesh.networks
    )
    grown = replace(mesh, hosts=(*mesh.hosts, *hosts), networks=joined)
    wanted = _with_topology(grown, _grown(mesh.fabric.topology, names, links, site))
    return edit(file, content, change, wanted, what=f"cannot put {listed([*names])} into {file}")


def remove_hosts(file: str, content: bytes, names: Sequence[str]) -> bytes:
    """The content without the hosts, without the links that name them, and without sites that had no other host.

    Raises UsageError for a name that the file has not, when fewer than two hosts would be left, when the links left do
    not connect the others, for one with an interface that is attached to a network, and when the layout is one that is
    not edited here.
    """
    mesh = parse(file, content)
    _refuse_to_remove(mesh, names, file)

    def change(layout: Layout) -> Layout:
        for name in names:
            layout = layout.without_item(MeshSection.hosts, name)
        while (found := next(_naming(layout, names), None)) is not None:
            layout = layout.without_item(*found)
        return layout

    kept = tuple(host for host in mesh.hosts if host.name not in names)
    left = tuple(_without_hosts(network, names) for network in mesh.networks)
    shrunk = replace(mesh, hosts=kept, networks=left)
    wanted = _with_topology(shrunk, _shrunk(mesh.fabric.topology, names))
    return edit(file, content, change, wanted, what=f"cannot take {listed(list(names))} out of {file}")


def _refuse_to_remove(mesh: Mesh, names: Sequence[str], file: str) -> None:
    known = [host.name for host in mesh.hosts]
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"{file} has no host {listed(unknown)}", do=f"its hosts are {listed(known, limit=20)}")
    kept = [name for name in known if name not in names]
    if len(kept) < 2:
        raise UsageError(
            f"that leaves {f'{kept[0]} alone' if kept else 'no host'}, and a mesh has at least two hosts",
            now=UNCHANGED,
            do="`dockmesh destroy` takes the whole mesh down",
        )
    for network in mesh.networks:
        if network.hosts is not None and not set(network.hosts) - set(names):
            raise UsageError(
                f"that leaves no host on the network {network.name}",
                now=UNCHANGED,
                do=f"take the network out first: dockmesh network remove {network.name}",
            )
        if network.attach is not None and network.attach.host in names:
            raise UsageError(
                f"{network.attach.host} has {network.attach.interface}, which is attached to {network.name}",
                now=UNCHANGED,
                do=f"take `attach` out of {network.name} in the file, or let it name an interface of another host",
            )


def _naming(layout: Layout, names: Sequence[str]) -> Iterator[Path]:
    """The way to each part of the file that names one of the hosts: a link, a host of a site or of a network; or to a
    site that has no other host.
    """
    for number, _ in enumerate(layout.texts(*LINKS)):
        if set(layout.texts(*LINKS, number)) & set(names):
            yield (*LINKS, number)
    sites: list[Path] = [(*SITES, site) for site in layout.keys(*SITES)]
    networks = [_hosts_of(number) for number, _ in enumerate(layout.texts(MeshSection.networks))]
    for path in (*sites, *networks):
        members = layout.texts(*path)
        for index in (index for index, host in enumerate(members) if host in names):
            yield path if path in sites and len(members) == 1 else (*path, index)


def _without_hosts(network: Network, names: Sequence[str]) -> Network:
    if network.hosts is None:
        return network
    return replace(network, hosts=tuple(host for host in network.hosts if host not in names))


def _with_topology(mesh: Mesh, topology: Topology) -> Mesh:
    return replace(mesh, fabric=replace(mesh.fabric, topology=topology))


def _grown(topology: Topology, new: tuple[str, ...], links: Sequence[tuple[str, str]], site: str | None) -> Topology:
    match topology:
        case Links(pairs):
            return Links((*pairs, *links))
        case Sites(groups):
            return Sites(tuple((name, (*members, *new) if name == site else members) for name, members in groups))
        case _:
            return topology


def _shrunk(topology: Topology, names: Sequence[str]) -> Topology:
    match topology:
        case Links(pairs):
            return Links(tuple(pair for pair in pairs if not set(pair) & set(names)))
        case Sites(groups):
            left = ((site, tuple(host for host in members if host not in names)) for site, members in groups)
            return Sites(tuple((site, members) for site, members in left if members))
        case _:
            return topology


def places_of_hosts(file: str, content: bytes) -> dict[str, str]:
    """By name where in the file each host stands, as FILE:LINE:COLUMN."""
    hosts = Layout(file, decode(file, content).text).at(MeshSection.hosts)
    entries = hosts.entries if isinstance(hosts, Mapping) else {}
    return {name: f"{file}:{entry.key.span.line}:{entry.key.span.column}" for name, entry in entries.items()}


def replace_comment(content: bytes, old: str, new: str) -> bytes:
    """The content with the comment line `# old` saying `# new`, where it stands once."""
    lines = LINE_BREAK.split(content.decode("utf-8"))
    places = [number for number, line in enumerate(lines) if line.strip() == f"# {old}"]
    if len(places) != 1:
        return content
    return content.replace(f"# {old}".encode(), f"# {new}".encode(), 1)
