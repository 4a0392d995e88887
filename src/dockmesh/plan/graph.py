"""Breadth-first search over hosts and links.

By hand, for it is a dozen lines: loading a graph library takes longer than all else that a plan does
(docs/decisions/0003-no-graph-library-at-run-time.md). The tests compare it with networkx.
"""

from collections import deque
from collections.abc import Mapping, Sequence

from dockmesh.plan.types import Link

Neighbours = Mapping[str, Sequence[str]]


def neighbours(hosts: Sequence[str], links: Sequence[Link]) -> Neighbours:
    """Each host's peers, in the order of the hosts."""
    place = {name: index for index, name in enumerate(hosts)}
    found: dict[str, list[str]] = {name: [] for name in hosts}
    for link in links:
        found[link.a].append(link.b)
        found[link.b].append(link.a)
    return {name: sorted(peers, key=place.__getitem__) for name, peers in found.items()}


def depths(peers: Neighbours, start: str) -> dict[str, int]:
    """How many links away from `start` each host is; hosts that cannot be reached are left out."""
    depth = {start: 0}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        for peer in peers[here]:
            if peer not in depth:
                depth[peer] = depth[here] + 1
                queue.append(peer)
    return depth


def pairs_by_hops(peers: Neighbours) -> list[int]:
    """How many ordered pairs of hosts are 1 hop from each other, how many 2, and so on, along the shortest paths.

    All hosts at once, as bits of a number: a step further is what all peers reach. Of 1000 hosts that takes a tenth of
    what a search from each does.
    """
    number = {name: index for index, name in enumerate(peers)}
    around = [[number[peer] for peer in each] for each in peers.values()]
    reached = [1 << host for host in range(len(around))]
    counts: list[int] = []
    before = len(around)
    while True:
        further = []
        for host, others in enumerate(around):
            all_of_them = reached[host]
            for other in others:
                all_of_them |= reached[other]
            further.append(all_of_them)
        now = sum(each.bit_count() for each in further)
        if now == before:
            return counts
        counts.append(now - before)
        reached, before = further, now


def path(peers: Neighbours, start: str, end: str) -> list[str]:
    """One shortest path, by the earliest host wherever there are several."""
    depth = depths(peers, end)
    way = [start]
    while way[-1] != end:
        way.append(next(peer for peer in peers[way[-1]] if depth[peer] < depth[way[-1]]))
    return way
