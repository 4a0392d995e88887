"""The blocks of a mesh: hosts that no single host parts, with their links; a link that alone joins two hosts is one.

Two links are in one block if a circle passes both (Whitney, 1932). Of all circles those that one link closes in a
spanning tree are enough: the blocks are what these connect, whatever the tree.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

Around = Sequence[Sequence[int]]


class Block:
    """A part of the graph, with the distances in it; hosts are numbers."""

    def __init__(self, around: Mapping[int, Sequence[int]]) -> None:
        self.around = around
        self._far: dict[int, dict[int, int]] = {}

    def far(self, end: int) -> dict[int, int]:
        """How many links away from `end` each host is."""
        if end not in self._far:
            found = {end: 0}
            waiting = deque([end])
            while waiting:
                here = waiting.popleft()
                for peer in self.around[here]:
                    if peer not in found:
                        found[peer] = found[here] + 1
                        waiting.append(peer)
            self._far[end] = found
        return self._far[end]


class GraphBlocks:
    """Of a graph that hangs together."""

    def __init__(self, around: Around) -> None:
        self._whole = Block(dict(enumerate(around)))
        leaders = _leaders(around)
        parts: dict[tuple[int, int], dict[int, list[int]]] = {}
        for here, peers in enumerate(around):
            for peer in peers:
                parts.setdefault(leaders[_link(here, peer)], {}).setdefault(here, []).append(peer)
        made = {leader: Block(part) for leader, part in parts.items()}
        self._of = {link: made[leader] for link, leader in leaders.items()}
        self.count = len(made)

    def chain(self, start: int, end: int) -> Iterator[tuple[Block, int, int]]:
        """The blocks that every way between two hosts passes, each with the hosts where it is entered and left."""
        far = self._whole.far(end)
        enter, here = start, start
        while here != end:
            onward = next(peer for peer in self._whole.around[here] if far[peer] < far[here])
            block = self._of[_link(here, onward)]
            while onward != end:
                after = next(peer for peer in self._whole.around[onward] if far[peer] < far[onward])
                if self._of[_link(onward, after)] is not block:
                    break
                onward = after
            yield block, enter, onward
            enter = here = onward


def _link(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


def _leaders(around: Around) -> dict[tuple[int, int], tuple[int, int]]:
    """By link one that stands for its block."""
    parent, depth = {0: 0}, {0: 0}
    waiting = deque([0])
    while waiting:
        here = waiting.popleft()
        for peer in around[here]:
            if peer not in parent:
                parent[peer], depth[peer] = here, depth[here] + 1
                waiting.append(peer)
    leader = {_link(here, peer): _link(here, peer) for here, peers in enumerate(around) for peer in peers}

    def find(link: tuple[int, int]) -> tuple[int, int]:
        while leader[link] != link:
            leader[link] = link = leader[leader[link]]
        return link

    for one, other in list(leader):
        if one in (parent[other], other) or other == parent[one]:
            continue
        closing, up, down = find((one, other)), one, other
        while up != down:
            if depth[up] < depth[down]:
                up, down = down, up
            leader[find(_link(up, parent[up]))] = closing
            closing, up = find(closing), parent[up]
    return {link: find(link) for link in leader}
