"""How many links or hosts must fail before the others lose one another: maximum flows, by breadth-first search.

By Menger (1927), two hosts stay connected while fewer links (or hosts between them) fail than there are ways between
them that share none; and there are as many such ways as a maximum flow has units. Not every pair is looked at, but each
host against all that stand before it (as Even did, 1975). The tests compare it with networkx.
"""

from collections import deque
from collections.abc import Sequence, Set

from dockmesh.plan.graph import Neighbours

Arcs = Sequence[Sequence[int]]


def link_connectivity(peers: Neighbours) -> int:
    """The smallest number of links whose loss parts the hosts."""
    around = _numbered(peers)
    most = min(len(each) for each in around)
    for host in range(1, len(around)):
        # Let `host` be the first that the weakest cut parts from host 0: then it parts it from all before it.
        found, _ = _flow(around, around, host, frozenset(range(host)), most)
        most = min(most, found)
    return most


def host_connectivity(peers: Neighbours) -> int:
    """The smallest number of hosts whose loss parts the others; one less than there are where all are linked to all."""
    most = min(len(each) for each in peers.values())
    while (side := weak_side(peers, most)) is not None:
        most = len({peer for name in side for peer in peers[name]} - side)
    return most


def weak_side(peers: Neighbours, wanted: int) -> frozenset[str] | None:
    """Hosts that fewer than `wanted` others part from the rest, if there are such; everybody has `wanted` peers."""
    names, around = list(peers), _numbered(peers)
    # A host is two nodes here, 2 i where ways come in and 2 i + 1 where they go out, with one unit between them.
    onward = [
        [node + 1] if node % 2 == 0 else [2 * peer for peer in around[node // 2]] for node in range(2 * len(names))
    ]
    back = [
        [2 * peer + 1 for peer in around[node // 2]] if node % 2 == 0 else [node - 1] for node in range(2 * len(names))
    ]
    for host in range(1, len(names)):
        if host < wanted:
            # Adjacent hosts are parted by nobody.
            targets = [frozenset([2 * other]) for other in range(host) if other not in around[host]]
        else:
            targets = [frozenset(2 * other + 1 for other in range(host))]
        for ends in targets:
            found, reached = _flow(onward, back, 2 * host + 1, ends, wanted)
            if found < wanted:
                return frozenset(names[node // 2] for node in reached if node % 2)
    return None


def _numbered(peers: Neighbours) -> list[list[int]]:
    number = {name: index for index, name in enumerate(peers)}
    return [[number[peer] for peer in peers[name]] for name in peers]


def _flow(onward: Arcs, back: Arcs, start: int, ends: Set[int], most: int) -> tuple[int, Set[int]]:
    """How many ways lead from `start` to any of `ends` without sharing an arc, up to `most`.

    If there are fewer, also the nodes that one more could still reach.
    """
    used: set[tuple[int, int]] = set()
    for found in range(most):
        came_from = {start: start}
        waiting = deque([start])
        end = None
        while waiting and end is None:
            here = waiting.popleft()
            steps = [node for node in onward[here] if (here, node) not in used]
            steps += [node for node in back[here] if (node, here) in used]
            for node in steps:
                if node not in came_from:
                    came_from[node] = here
                    if node in ends:
                        end = node
                        break
                    waiting.append(node)
        if end is None:
            return found, came_from.keys()
        while end != start:
            before = came_from[end]
            if (end, before) in used:
                used.remove((end, before))
            else:
                used.add((before, end))
            end = before
    return most, frozenset()
