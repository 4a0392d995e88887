"""Simulate the rules of `direct`: the ways of frames, and what is lost when something fails."""

from collections.abc import Iterator, Set
from itertools import combinations, pairwise
from math import comb

from dockmesh.plan.types import Forward, Link, Plan

# So many frames are simulated to see what several dead hosts do, which takes a tenth of a second; beyond, one is told.
MOST_SIMULATED = 30_000
NOTHING: frozenset[str] = frozenset()
NO_LINKS: frozenset[frozenset[str]] = frozenset()


class Simulation:
    """Of a plan with `direct` forwarding."""

    def __init__(self, plan: Plan) -> None:
        self._forwards: dict[tuple[str, str | None, str, str], Forward] = {
            (host.name, forward.came_from, forward.source, forward.destination): forward
            for host in plan.hosts
            for forward in host.forwards
        }
        names = [host.name for host in plan.hosts]
        pairs = [(source, destination) for source in names for destination in names if source != destination]
        self._ways = {pair: self.way(*pair) or () for pair in pairs}

    def way(
        self, source: str, destination: str, links: Set[frozenset[str]] = NO_LINKS, hosts: Set[str] = NOTHING
    ) -> tuple[str, ...] | None:
        """The hosts that a frame passes, both ends included; None if it is lost. `links` and `hosts` are dead.

        Each tunnel is dead or alive for both of its ends: BFD has seen what there is to see.
        """
        passed, here, came_from = [source], source, None
        while here != destination:
            forward = self._forwards.get((here, came_from, source, destination))
            choices = () if forward is None else forward.choices
            onward = next(
                (peer for peer in choices if peer not in hosts and frozenset((here, peer)) not in links), None
            )
            if onward is None and forward is not None:
                onward = forward.resort
            if onward is None or onward in hosts or frozenset((here, onward)) in links:
                return None
            here, came_from = onward, here
            passed.append(here)
        return tuple(passed)

    def hops(self) -> Iterator[int]:
        """Of each ordered pair, while all is well."""
        for way in self._ways.values():
            yield len(way) - 1

    def weak_links(self, links: tuple[Link, ...]) -> tuple[Link, ...]:
        """Those that somebody loses somebody by, when one of them fails alone."""
        users: dict[frozenset[str], list[tuple[str, str]]] = {}
        for pair, way in self._ways.items():
            for ends in pairwise(way):
                users.setdefault(frozenset(ends), []).append(pair)
        return tuple(
            link
            for link in links
            if any(
                self.way(*pair, links=frozenset([frozenset((link.a, link.b))])) is None
                for pair in users.get(frozenset((link.a, link.b)), ())
            )
        )

    def weak_hosts(self) -> tuple[str, ...]:
        """Those that others lose one another by, when one of them fails alone."""
        users: dict[str, list[tuple[str, str]]] = {}
        for pair, way in self._ways.items():
            for host in way[1:-1]:
                users.setdefault(host, []).append(pair)
        hosts = {source: None for source, _ in self._ways}
        return tuple(
            host
            for host in hosts
            if any(self.way(*pair, hosts=frozenset([host])) is None for pair in users.get(host, ()))
        )

    def hosts_may_fail(self, most: int) -> int:
        """How many, whichever, without the others losing one another, if one may; up to `most` leave ways to all."""
        hosts = list(dict.fromkeys(source for source, _ in self._ways))
        if all(len(way) == 2 for way in self._ways.values()):
            return most
        for count in range(2, most + 1):
            if comb(len(hosts), count) * len(self._ways) > MOST_SIMULATED:
                return count - 1
            for dead in map(frozenset, combinations(hosts, count)):
                if any(not dead & set(pair) and self.way(*pair, hosts=dead) is None for pair in self._ways):
                    return count - 1
        return max(most, 0)
