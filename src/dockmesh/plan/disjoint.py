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
    """A host that paths pass is two nodes, 2 i where they come in and 2 i + 1 where they go out; others are 2 i + 1."""

    def __init__(self, block: Block, start: int, end: int, keys: Sequence[int]) -> None:
        self.around, self.start, self.end, self.keys = block.around, start, end, keys
        self.far = block.far(end)
        self.onward: dict[int, set[int]] = {host: set() for host in block.around}
        self.passed: dict[int, int] = {end: 1}
        self.lifted: dict[int, int] = {}  # potentials, where they are no longer the distances
        self.dear = 2 * len(block.around)

    def steps(self, node: int) -> list[tuple[int, int]]:
        """The nodes that can be reached from one, over what is not used or by giving up what is; with the costs."""
        host, passed = node >> 1, self.passed.get(node >> 1, 0)
        if node & 1:
            mine = self.onward[host]
            found = [
                (2 * peer + (peer not in self.passed), 1)
                for peer in self.around[host]
                if peer not in mine and host not in self.onward[peer]
            ]
            if passed:
                found.append((node - 1, -self.again(passed - 1)))
            return found
        found = [(2 * peer + 1, -1) for peer in self.around[host] if host in self.onward[peer]]
        found.append((node + 1, self.again(passed)))
        return found

    def again(self, times: int) -> int:
        """What it costs to pass a host that paths pass `times` times already."""
        cost: int = self.dear**times if times else 0
        return cost

    def augment(self) -> bool:
        """One path more, at the least cost; False if there is none."""
        lifted, far, keys = self.lifted, self.far, self.keys
        source, target = 2 * self.start + 1, 2 * self.end
        cost, came_from, done = {source: 0}, {source: source}, set()
        waiting = [(0, 0, 0, source)]
        while waiting:
            here_cost, _, _, here = heappop(waiting)
            if here in done:
                continue
            if here == target:
                break
            done.add(here)
            base = here_cost - lifted.get(here, far[here >> 1])
            for node, step in self.steps(here):
                height = lifted.get(node, far[node >> 1])
                total = base + step + height
                if node not in done and total < cost.get(node, total + 1):
                    cost[node], came_from[node] = total, here
                    heappush(waiting, (total, height, keys[node >> 1], node))
        else:
            return False
        for node in done:
            lifted[node] = lifted.get(node, far[node >> 1]) + cost[target] - cost[node]
        self._use(came_from, source, target)
        return True

    def _use(self, came_from: dict[int, int], source: int, target: int) -> None:
        node = target
        while node != source:
            before = came_from[node]
            one, other = before >> 1, node >> 1
            if one == other:
                self.passed[one] += 1 if node & 1 else -1
            elif before & 1:
                self.onward[one].add(other)
                if node & 1:
                    self.passed[other] = 1
                    self.lifted[node - 1] = self.lifted[node]
            else:
                self.onward[other].remove(one)
            node = before

    def paths(self) -> list[Path]:
        left = {
            host: sorted(others, key=lambda peer: (self.far[peer], self.keys[peer]))
            for host, others in self.onward.items()
        }
        found = []
        while left[self.start]:
            path = [self.start]
            while path[-1] != self.end:
                path.append(left[path[-1]].pop(0))
            found.append(tuple(path))
        return found
