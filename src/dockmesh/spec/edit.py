"""Hosts into a mesh file and out of it: pure, and nothing else of the text changes.

What comes out is read again, and must be the mesh that was there with the hosts more or fewer; else it is refused.
"""

from collections.abc import Sequence
from dataclasses import replace

from dockmesh.errors import UsageError
from dockmesh.model import Cluster, Host, Links, Network, Sites, Topology
from dockmesh.spec.excerpt import listed
from dockmesh.spec.imitate import host_lines, name_line, pair_line
from dockmesh.spec.load import parse
from dockmesh.spec.outline import Piece, outline
from dockmesh.spec.problems import SpecError
from dockmesh.spec.source import BOM, LINE_BREAK, decode
from dockmesh.spec.splice import LayoutError, append, column, remove

UNCHANGED = "the file is as it was"


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
    cluster = parse(file, content)
    names = listed([host.name for host in hosts])
    text = decode(file, content).text
    try:
        for host in hosts:
            into = hosts_of(text)
            text = append(text, into, host_lines(text, into, host))
            if site is not None:
                members = _listing(text, "sites", site)
                text = append(text, members, [name_line(text, members, host.name)])
            for network in networks:
                members = _members(text, network)
                text = append(text, members, [name_line(text, members, host.name)])
        for pair in links:
            listing = _links(text)
            text = append(text, listing, [pair_line(text, listing, pair)])
    except LayoutError:
        raise by_hand(file, f"cannot put {names} into {file}") from None
    further = tuple(
        replace(each, hosts=(*each.hosts, *(host.name for host in hosts)))
        if each.hosts is not None and each.name in networks
        else each
        for each in cluster.further
    )
    wanted = _with_topology(
        replace(cluster, hosts=(*cluster.hosts, *hosts), further=further),
        _grown(cluster.fabric.topology, hosts, links, site),
    )
    return checked(file, content, text, wanted, what=f"cannot put {names} into {file}")


def remove_hosts(file: str, content: bytes, names: Sequence[str]) -> bytes:
    """The content without the hosts, without the links that name them, and without sites that had no other host.

    Raises UsageError for a name that the file has not, when fewer than two hosts would be left, when the links left do
    not connect the others, for one with an interface that is attached to a network, and when the layout is one that is
    not edited here.
    """
    cluster = parse(file, content)
    known = [host.name for host in cluster.hosts]
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"{file} has no host {listed(unknown)}", do=f"its hosts are {listed(known, limit=20)}")
    kept = tuple(host for host in cluster.hosts if host.name not in names)
    if len(kept) < 2:
        left = f"{kept[0].name} alone" if kept else "no host"
        raise UsageError(
            f"that leaves {left}, and a mesh has at least two hosts",
            now=UNCHANGED,
            do="`dockmesh destroy` takes the whole mesh down",
        )
    further = tuple(_without_hosts(network, names) for network in cluster.further)
    if empty := [network.name for network in further if network.hosts == ()]:
        raise UsageError(
            f"that leaves no host on the network {empty[0]}",
            now=UNCHANGED,
            do=f"take the network out first: dockmesh network remove {empty[0]}",
        )
    for network in cluster.networks:
        if network.attach is not None and network.attach.host in names:
            raise UsageError(
                f"{network.attach.host} has {network.attach.interface}, which is attached to {network.name}",
                now=UNCHANGED,
                do=f"take `attach` out of {network.name} in the file, or let it name an interface of another host",
            )
    text = decode(file, content).text
    what = f"cannot take {listed(list(names))} out of {file}"
    try:
        for name in names:
            hosts = hosts_of(text)
            text = remove(text, hosts, [key.text for key in hosts.keys].index(name))
        while (found := _link_of(text, names) or _member_of(text, names)) is not None:
            text = remove(text, *found)
        while (found := _on_network(text, names)) is not None:
            text = remove(text, *found)
    except LayoutError:
        raise by_hand(file, what) from None
    wanted = _with_topology(replace(cluster, hosts=kept, further=further), _shrunk(cluster.fabric.topology, names))
    return checked(file, content, text, wanted, what=what)


def _without_hosts(network: Network, names: Sequence[str]) -> Network:
    if network.hosts is None:
        return network
    return replace(network, hosts=tuple(host for host in network.hosts if host not in names))


def _with_topology(cluster: Cluster, topology: Topology) -> Cluster:
    return replace(cluster, fabric=replace(cluster.fabric, topology=topology))


def _grown(topology: Topology, hosts: Sequence[Host], links: Sequence[tuple[str, str]], site: str | None) -> Topology:
    new = tuple(host.name for host in hosts)
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
    text = decode(file, content).text
    return {
        key.text: f"{file}:{len(LINE_BREAK.findall(text[: key.start])) + 1}:{column(text, key.start) + 1}"
        for key in hosts_of(text).keys
        if key.text is not None
    }


def replace_comment(content: bytes, old: str, new: str) -> bytes:
    """The content with the comment line `# old` saying `# new`, where it stands once."""
    lines = LINE_BREAK.split(content.decode("utf-8"))
    places = [number for number, line in enumerate(lines) if line.strip() == f"# {old}"]
    if len(places) != 1:
        return content
    return content.replace(f"# {old}".encode(), f"# {new}".encode(), 1)


def hosts_of(text: str) -> Piece:
    hosts = outline(text).get("hosts")
    if hosts is None or not hosts.keys:
        raise LayoutError
    return hosts


def _links(text: str) -> Piece:
    return _listing(text, "links")


def _listing(text: str, *path: str) -> Piece:
    """What stands under `fabric.topology` at that path."""
    found: Piece | None = outline(text)
    for key in ("fabric", "topology", *path):
        found = found.get(key) if found is not None else None
    if found is None or not found.items:
        raise LayoutError
    return found


def _members(text: str, network: str) -> Piece:
    """The hosts that a network lists."""
    networks = outline(text).get("networks")
    for each in networks.items if networks is not None else ():
        name, hosts = each.get("name"), each.get("hosts")
        if name is not None and name.text == network and hosts is not None and hosts.items:
            return hosts
    raise LayoutError


def _on_network(text: str, names: Sequence[str]) -> tuple[Piece, int] | None:
    """The list of a network's hosts, and the place in it of the first of these hosts."""
    networks = outline(text).get("networks")
    for each in networks.items if networks is not None else ():
        hosts = each.get("hosts")
        for index, host in enumerate(hosts.items if hosts is not None else ()):
            if hosts is not None and host.text in names:
                return hosts, index
    return None


def _link_of(text: str, names: Sequence[str]) -> tuple[Piece, int] | None:
    """The listing of links, and the place in it of the first that names one of the hosts."""
    try:
        listing = _links(text)
    except LayoutError:
        return None  # another topology
    for index, link in enumerate(listing.items):
        if any(end.text in names for end in link.items):
            return listing, index
    return None


def _member_of(text: str, names: Sequence[str]) -> tuple[Piece, int] | None:
    """The site and the place in it of the first of these hosts; or of a site that has no other, all and its place."""
    try:
        sites = _listing(text, "sites")
    except LayoutError:
        return None  # another topology
    for number, site in enumerate(sites.items):
        for index, host in enumerate(site.items):
            if host.text in names:
                return (site, index) if len(site.items) > 1 else (sites, number)
    return None


def by_hand(file: str, what: str, parts: str = "its hosts or links") -> UsageError:
    return UsageError(
        what,
        answered=f"{parts} are laid out in a way that this command does not edit",
        now=UNCHANGED,
        do=f"edit {file} by hand; `dockmesh plan` says whether it is right",
    )


def checked(
    file: str, before: bytes, text: str, wanted: Cluster, *, what: str, parts: str = "its hosts or links"
) -> bytes:
    """The text as the content of a file, if it says what is wanted. Raises UsageError."""
    content = (BOM if before.startswith(BOM.encode()) else "").encode() + text.encode()
    try:
        result = parse(file, content)
    except SpecError as error:
        raise UsageError(what, answered=str(error), now=UNCHANGED, do=_way(error)) from None
    if result != wanted:
        raise by_hand(file, what, parts)
    return content


def _way(error: SpecError) -> str:
    """The lines in the answer are those of the file as it would be."""
    if any("connect" in problem.what for problem in error.problems):
        return "list the links that join the others under fabric.topology.links first"
    if any(problem.what.startswith("star around") for problem in error.problems):
        return "name another host under fabric.topology.star first"
    if any(problem.what.startswith("there is one site") for problem in error.problems):
        return "no other site would be left: write `topology: full-mesh` first"
    if any(problem.what.startswith("no `&") for problem in error.problems):
        return "what is repeated with `*` stands with that host: move it to another host first"
    return "choose other values; the lines named are those of the file as it would be"
