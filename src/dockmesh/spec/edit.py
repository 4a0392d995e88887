"""Hosts into a mesh file and out of it: pure, and nothing else of the text changes.

What comes out is read again, and must be the mesh that was there with the hosts more or fewer; else it is refused.
"""

from collections.abc import Sequence
from dataclasses import replace

from dockmesh.errors import UsageError
from dockmesh.model import Cluster, Host, Links, Sites, Topology
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
    site: str | None = None,
) -> bytes:
    """The content with the hosts after those that it has, and the links after its links, if it lists them.

    Where the file has sites, the hosts come last in `site`.

    Raises UsageError when the mesh would not hold, or when the layout is one that is not edited here.
    """
    cluster = parse(file, content)
    names = listed([host.name for host in hosts])
    text = decode(file, content).text
    try:
        for host in hosts:
            into = _hosts(text)
            text = append(text, into, host_lines(text, into, host))
            if site is not None:
                members = _listing(text, "sites", site)
                text = append(text, members, [name_line(text, members, host.name)])
        for pair in links:
            listing = _links(text)
            text = append(text, listing, [pair_line(text, listing, pair)])
    except LayoutError:
        raise _by_hand(file, f"cannot put {names} into {file}") from None
    wanted = _with_topology(
        replace(cluster, hosts=(*cluster.hosts, *hosts)), _grown(cluster.fabric.topology, hosts, links, site)
    )
    return _checked(file, content, text, wanted, f"cannot put {names} into {file}")


def remove_hosts(file: str, content: bytes, names: Sequence[str]) -> bytes:
    """The content without the hosts, without the links that name them, and without sites that had no other host.

    Raises UsageError for a name that the file has not, when fewer than two hosts would be left, when the links left do
    not connect the others, and when the layout is one that is not edited here.
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
    text = decode(file, content).text
    what = f"cannot take {listed(list(names))} out of {file}"
    try:
        for name in names:
            hosts = _hosts(text)
            text = remove(text, hosts, [key.text for key in hosts.keys].index(name))
        while (found := _link_of(text, names) or _member_of(text, names)) is not None:
            text = remove(text, *found)
    except LayoutError:
        raise _by_hand(file, what) from None
    wanted = _with_topology(replace(cluster, hosts=kept), _shrunk(cluster.fabric.topology, names))
    return _checked(file, content, text, wanted, what)


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
        for key in _hosts(text).keys
        if key.text is not None
    }


def replace_comment(content: bytes, old: str, new: str) -> bytes:
    """The content with the comment line `# old` saying `# new`, where it stands once."""
    lines = LINE_BREAK.split(content.decode("utf-8"))
    places = [number for number, line in enumerate(lines) if line.strip() == f"# {old}"]
    if len(places) != 1:
        return content
    return content.replace(f"# {old}".encode(), f"# {new}".encode(), 1)


def _hosts(text: str) -> Piece:
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


def _by_hand(file: str, what: str) -> UsageError:
    return UsageError(
        what,
        answered="its hosts or links are laid out in a way that this command does not edit",
        now=UNCHANGED,
        do=f"edit {file} by hand; `dockmesh plan` says whether it is right",
    )


def _checked(file: str, before: bytes, text: str, wanted: Cluster, what: str) -> bytes:
    content = (BOM if before.startswith(BOM.encode()) else "").encode() + text.encode()
    try:
        result = parse(file, content)
    except SpecError as error:
        raise UsageError(what, answered=str(error), now=UNCHANGED, do=_way(error)) from None
    if result != wanted:
        raise _by_hand(file, what)
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
