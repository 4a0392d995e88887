"""Paths between two hosts that share no link: a flow of least cost, by successive shortest paths (Busacker, 1961).

A link costs 1. A host may be passed again, at a cost that grows so fast that no host is passed by all paths if any
other choice avoids it (plan/search.py says what for). The searches are Dijkstra's, with potentials (Edmonds and Karp,
1972) that begin as the distances to the end, so that little more than the path itself is looked at.
"""

from collections.abc import Sequence
from heapq import heappop, heappush

from dockmesh.plan.blocks import Block

Path = tuple[int, ...]


def disjoint_paths(block: Block, start: int, end: int, most: int, keys: Sequence[int]) -> list[Path]:
    """As many as there are, or `most`; the shortest first. Among equals `keys` decide."""
    around = block.around
    most = min(most, len(around[start]), len(around[end]))
    if quick := _two_hops(block, start, end, most, keys):
        return quick
    flow = _Flow(block, start, end, keys)
    for _ in range(most):
        if not flow.augment():
            break
    return sorted(flow.paths(), key=lambda path: (len(path), [keys[host] for host in path]))


def _two_hops(block: Block, start: int, end: int, most: int, keys: Sequence[int]) -> list[Path]:
    """The direct link and single relays, if these are enough: no other paths are shorter."""
    direct = end in block.around[start]
    relays = set(block.around[start]) & set(block.around[end])
    if direct + len(relays) < most:
        return []
    chosen = sorted(relays, key=keys.__getitem__)[: most - direct]
    return [*([(start, end)] if direct else []), *((start, relay, end) for relay in chosen)]


class _Flow:
    """Each host is two nodes, 2 i where paths come in and 2 i + 1 where they go out."""

    def __init__(self, block: Block, start: int, end: int, keys: Sequence[int]) -> None:
        self.around, self.start, self.end, self.keys = block.around, start, end, keys
        self.far = block.far(end)
        self.onward: dict[int, set[int]] = {}
        self.passed: dict[int, int] = {}
        self.lifted: dict[int, int] = {}  # potentials, where they are no longer the distances
        self.dear = 2 * len(block.around)

    def again(self, times: int) -> int:
        """What it costs to pass a host that paths pass `times` times already."""
        cost: int = self.dear**times if times else 0
        return cost

    def steps(self, node: int) -> list[tuple[int, int]]:
        """The nodes that can be reached from one over what is not used, or by giving up what is; with the costs."""
        host = node // 2
        passed = self.passed.get(host, 0)
        if node % 2:
            mine = self.onward.get(host, ())
            found = [
                (2 * peer, 1)
                for peer in self.around[host]
                if peer not in mine and host not in self.onward.get(peer, ())
            ]
            if passed:
                found.append((node - 1, -self.again(passed - 1)))
            return found
        found = [(2 * peer + 1, -1) for peer in self.around[host] if host in self.onward.get(peer, ())]
        found.append((node + 1, self.again(passed)))
        return found

    def height(self, node: int) -> int:
        return self.lifted.get(node, self.far[node // 2])

    def augment(self) -> bool:
        """One path more, at the least cost; False if there is none."""
        source, target = 2 * self.start + 1, 2 * self.end
        cost, came_from, done = {source: 0}, {source: source}, set()
        waiting = [(0, self.height(source), 0, source)]
        while waiting:
            here_cost, height, _, here = heappop(waiting)
            if here in done:
                continue
            if here == target:
                break
            done.add(here)
            for node, step in self.steps(here):
                if node in done or node // 2 == self.start:
                    continue
                there = self.height(node)
                total = here_cost + step - height + there
                if node not in cost or total < cost[node]:
                    cost[node], came_from[node] = total, here
                    heappush(waiting, (total, there, self.keys[node // 2], node))
        else:
            return False
        for node in done:
            self.lifted[node] = self.height(node) + cost[target] - cost[node]
        self._use(came_from, source, target)
        return True

    def _use(self, came_from: dict[int, int], source: int, target: int) -> None:
        node = target
        while node != source:
            before = came_from[node]
            one, other = before // 2, node // 2
            if one == other:
                self.passed[one] = self.passed.get(one, 0) + (1 if node % 2 else -1)
            elif node % 2:
                self.onward[other].remove(one)
            else:
                self.onward.setdefault(one, set()).add(other)
            node = before

    def paths(self) -> list[Path]:
        left = {
            host: sorted(others, key=lambda peer: (self.far[peer], self.keys[peer]))
            for host, others in self.onward.items()
        }
        found = []
        while left.get(self.start):
            path = [self.start]
            while path[-1] != self.end:
                path.append(left[path[-1]].pop(0))
            found.append(tuple(path))
        return found
