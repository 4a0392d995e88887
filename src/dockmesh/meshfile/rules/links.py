"""Rules about links that are listed: that they join hosts of the file, and all of them."""

from collections.abc import Iterator

from dockmesh.meshfile.excerpt import clipped, listed
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.keys.topology import LinksSection
from dockmesh.meshfile.nearest import did_you_mean
from dockmesh.meshfile.problems import Mistake, Problem, Span
from dockmesh.meshfile.types import Located

Link = Located[tuple[Located[str], ...]]


def links_of(mesh: MeshSection) -> tuple[Link, ...]:
    """Those of a list in which nothing is wrong by itself: else what the others connect means nothing."""
    topology = mesh.fabric.topology
    links = topology.value.links if topology and isinstance(topology.value, LinksSection) else None
    return links.value if links and links.whole else ()


def check_links(mesh: MeshSection) -> Iterator[Problem]:
    links = links_of(mesh)
    wrong = [*_unknown_ends(mesh, links), *_to_self(links)]
    yield from wrong
    yield from _repeated(links)
    # A wrong name leaves its host unconnected; to tell that too would be to tell one mistake twice.
    if not wrong and links and mesh.every_host:
        yield from _unconnected([host.label.value for host in mesh.every_host], links, links[0].span)


def _unknown_ends(mesh: MeshSection, links: tuple[Link, ...]) -> Iterator[Problem]:
    names = [host.label.value for host in mesh.every_host]
    known = set(names)
    for end in (end for link in links for end in link.value):
        if names and end.value not in known:
            hint = f"Hosts of this file: {listed(names, limit=6)}.{did_you_mean(end.value, names)}"
            yield Problem(f"link to the unknown host {clipped(end.value)}", hint, end.span)


def _to_self(links: tuple[Link, ...]) -> Iterator[Problem]:
    for link in links:
        one, other = link.value
        if one.value == other.value:
            yield Problem(f"link of {clipped(one.value)} to itself", "A link joins two hosts.", link.span)


def _repeated(links: tuple[Link, ...]) -> Iterator[Problem]:
    first: dict[frozenset[str], Link] = {}
    for link in links:
        if (before := first.setdefault(frozenset(end.value for end in link.value), link)) is not link:
            names = " and ".join(clipped(end.value) for end in link.value)
            hint = f"The first is in line {before.line}; a link has no direction. Delete one of them."
            yield Problem(f"duplicate link between {names}", hint, link.span)


def _unconnected(names: list[str], links: tuple[Link, ...], span: Span) -> Iterator[Problem]:
    groups = _groups(names, links)
    if len(groups) < 2:
        return
    more = f" | {len(groups) - 4} more" if len(groups) > 4 else ""
    shown = " | ".join(listed(group) for group in groups[:4]) + more
    joining = f"[{clipped(groups[0][0])}, {clipped(groups[1][0])}]"
    hint = f"Without a path between them: {shown}. One more link would join two: {joining}."
    yield Problem(f"the links leave the mesh in {len(groups)} parts", hint, span, Mistake.UNCONNECTED)


def _groups(names: list[str], links: tuple[Link, ...]) -> list[list[str]]:
    """The names by what the links connect, groups and names in the order given."""
    neighbours: dict[str, list[str]] = {name: [] for name in names}
    for one, other in (link.value for link in links):
        neighbours[one.value].append(other.value)
        neighbours[other.value].append(one.value)
    group_of: dict[str, int] = {}
    groups: list[list[str]] = []
    for name in names:
        if name not in group_of:
            groups.append([])
            waiting = [name]
            while waiting:
                reached = waiting.pop()
                if reached not in group_of:
                    group_of[reached] = len(groups) - 1
                    waiting.extend(neighbours[reached])
        groups[group_of[name]].append(name)
    return groups


RULES = (check_links,)
