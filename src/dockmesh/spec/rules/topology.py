"""Rules about the topology: that its links exist, and connect all hosts."""

from collections import Counter
from collections.abc import Iterator

from dockmesh.model import Forwarding, FullMesh
from dockmesh.spec.draft import Draft, DraftDegree, DraftLink, DraftLinks, DraftRing, DraftSites, DraftStar, Located
from dockmesh.spec.excerpt import clipped, listed
from dockmesh.spec.nearest import did_you_mean
from dockmesh.spec.problems import Mistake, Problem

# lib/stp.h and lib/rstp.h of Open vSwitch: ports of a bridge past these are left out of the spanning tree. Its own
# internal port takes no part, so all of them can be tunnels.
# `direct` has numbers up to 0xfeff for them; nobody has tried so many.
MOST_TUNNELS = {Forwarding.STP: 255, Forwarding.RSTP: 4095, Forwarding.DIRECT: 4095}


# A spanning tree reaches 19 hops from its root (IEEE 802.1D-2004, 17.13.8), and a ring with one link cut is a chain
# whose end may be the root.
LONGEST_RING = 20
# The rules of `direct` are made for each pair of hosts: 200 of degree 8 are planned in 10 s and 150 MiB. In a ring each
# host has rules for all pairs, and with a link cut frames go the long way round.
MOST_DIRECT, LONGEST_DIRECT_RING = 200, 50


def check_ring(draft: Draft) -> Iterator[Problem]:
    match draft.topology:
        case DraftRing(span=span):
            pass
        case DraftDegree(k=Located(value=2, span=span)):
            pass
        case _:
            return
    hosts = len(draft.hosts)
    if draft.forwarding is Forwarding.DIRECT:
        if hosts > LONGEST_DIRECT_RING:
            hint = f"A ring has at most {LONGEST_DIRECT_RING} hosts; for more write `topology: {{degree: 4}}`."
            yield Problem(f"a ring of {hosts} hosts is too long", hint, span)
    elif hosts > LONGEST_RING:
        hint = (
            f"With one link cut, the last host is {hosts - 1} hops from the root, and a spanning tree reaches "
            f"{LONGEST_RING - 1}. A ring has at most {LONGEST_RING} hosts; for more write `topology: {{degree: 4}}`."
        )
        yield Problem(f"a ring of {hosts} hosts is too long", hint, span)


def check_direct(draft: Draft) -> Iterator[Problem]:
    if draft.forwarding is Forwarding.DIRECT and (hosts := len(draft.hosts)) > MOST_DIRECT:
        hint = f"Its rules are made for each pair of hosts, of {MOST_DIRECT} hosts at most. Choose `forwarding: rstp`."
        yield Problem(f"{hosts} hosts are more than direct takes", hint, draft.hosts_span)


def check_star(draft: Draft) -> Iterator[Problem]:
    names = [host.name.value for host in draft.hosts]
    if isinstance(draft.topology, DraftStar) and (hub := draft.topology.hub) and names and hub.value not in names:
        hint = f"Hosts of this file: {listed(names, limit=6)}.{did_you_mean(hub.value, names)}"
        what = f"star around the unknown host {clipped(hub.value)}"
        yield Problem(what, hint, hub.span, Mistake.UNKNOWN_HUB)


def check_degree(draft: Draft) -> Iterator[Problem]:
    if not isinstance(draft.topology, DraftDegree) or len(draft.hosts) < 2:
        return
    degree, hosts = draft.topology.k, len(draft.hosts)
    if degree.value >= hosts:
        hint = (
            f"Each of {hosts} hosts has {hosts - 1} others. For a link between every two write `topology: full-mesh`."
        )
        yield Problem(f"degree {degree.value} is more than there are other hosts", hint, degree.span)
    elif degree.value < 2 < hosts:
        hint = "With one link each, hosts only pair up. Expected 2 (a ring, any one link may fail) or more."
        yield Problem(f"degree {degree.value} leaves hosts unconnected", hint, degree.span)


def check_links(draft: Draft) -> Iterator[Problem]:
    if not isinstance(draft.topology, DraftLinks):
        return
    links = draft.topology.links
    wrong = [*_unknown_ends(draft, links), *_links_to_self(links)]
    yield from wrong
    yield from _repeated_links(links)
    # A wrong name leaves its host unconnected; to tell that too would be to tell one mistake twice.
    if not wrong and draft.hosts:
        yield from _unconnected(draft, links)


def _unknown_ends(draft: Draft, links: tuple[DraftLink, ...]) -> Iterator[Problem]:
    names = [host.name.value for host in draft.hosts]
    known = set(names)
    for link in links:
        for end in link.ends:
            if names and end.value not in known:
                hint = f"Hosts of this file: {listed(names, limit=6)}.{did_you_mean(end.value, names)}"
                yield Problem(f"link to the unknown host {clipped(end.value)}", hint, end.span)


def _links_to_self(links: tuple[DraftLink, ...]) -> Iterator[Problem]:
    for link in links:
        one, other = link.ends
        if one.value == other.value:
            yield Problem(f"link of {clipped(one.value)} to itself", "A link joins two hosts.", link.span)


def _repeated_links(links: tuple[DraftLink, ...]) -> Iterator[Problem]:
    first: dict[frozenset[str], DraftLink] = {}
    for link in links:
        pair = frozenset(end.value for end in link.ends)
        if pair in first:
            names = " and ".join(clipped(end.value) for end in link.ends)
            hint = f"The first is in line {first[pair].span.line}; a link has no direction. Delete one of them."
            yield Problem(f"the link between {names} stands twice", hint, link.span)
        else:
            first[pair] = link


def _unconnected(draft: Draft, links: tuple[DraftLink, ...]) -> Iterator[Problem]:
    groups = _groups([host.name.value for host in draft.hosts], links)
    if len(groups) < 2:
        return
    shown = " | ".join(listed(group) for group in groups[:4]) + (
        f" | {len(groups) - 4} more" if len(groups) > 4 else ""
    )
    joining = f"[{clipped(groups[0][0])}, {clipped(groups[1][0])}]"
    hint = f"Without a path between them: {shown}. One more link would join two: {joining}."
    yield Problem(f"the links leave the mesh in {len(groups)} parts", hint, links[0].span, Mistake.UNCONNECTED)


def _groups(names: list[str], links: tuple[DraftLink, ...]) -> list[list[str]]:
    """The names by what the links connect, groups and names in the order given."""
    neighbours: dict[str, list[str]] = {name: [] for name in names}
    for link in links:
        one, other = link.ends
        neighbours[one.value].append(other.value)
        neighbours[other.value].append(one.value)
    group_of: dict[str, int] = {}
    for name in names:
        if name in group_of:
            continue
        number, waiting = len(set(group_of.values())), [name]
        while waiting:
            reached = waiting.pop()
            if reached not in group_of:
                group_of[reached] = number
                waiting.extend(neighbours[reached])
    groups: list[list[str]] = [[] for _ in set(group_of.values())]
    for name in names:
        groups[group_of[name]].append(name)
    return groups


def check_tunnel_count(draft: Draft) -> Iterator[Problem]:
    most = MOST_TUNNELS[draft.forwarding]
    match draft.topology:
        case FullMesh():
            tunnels, span = len(draft.hosts) - 1, draft.hosts_span
            who = "every host"
        case DraftStar(hub=hub):
            tunnels, span = len(draft.hosts) - 1, hub.span if hub else draft.hosts_span
            who = hub.value if hub else "the host in the middle"
        case DraftSites(sites=sites, span=span):
            # Within the site, and at worst both links to each other site.
            who, tunnels = max(
                ((site.name.value, len(site.hosts) - 1 + 2 * (len(sites) - 1)) for site in sites),
                key=lambda item: item[1],
                default=("", 0),
            )
            who = f"the first host of {who}"
        case DraftDegree(k=degree):
            tunnels, span = degree.value, degree.span
            who = "every host"
        case DraftLinks(links=links) if links:
            ends = Counter(end.value for link in links for end in link.ends)
            who, tunnels = max(ends.items(), key=lambda item: item[1])
            span = links[0].span
        case _:
            return
    if tunnels > most:
        other = (
            "rstp takes 4,095, or choose fewer links" if draft.forwarding is Forwarding.STP else "Choose fewer links"
        )
        hint = (
            f"Open vSwitch leaves tunnels past {most:,} out of {draft.forwarding}. {other}: `topology: {{degree: 4}}`."
        )
        yield Problem(f"{tunnels:,} tunnels at {clipped(who)} are more than {draft.forwarding} takes", hint, span)
