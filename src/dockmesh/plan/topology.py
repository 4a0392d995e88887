"""Which hosts are linked. Hosts come as names in the order of their bridge addresses; so do both ends of a link."""

from collections.abc import Iterable, Sequence
from itertools import combinations

from dockmesh.model import Degree, FullMesh, Links, Topology
from dockmesh.plan.types import Link


def links(hosts: Sequence[str], topology: Topology) -> tuple[Link, ...]:
    match topology:
        case FullMesh():
            return tuple(Link(a, b) for a, b in combinations(hosts, 2))
        case Degree(k):
            return _circulant(hosts, k)
        case Links(pairs):
            return _in_order(hosts, ((a, b) for a, b in pairs))


def _circulant(hosts: Sequence[str], k: int) -> tuple[Link, ...]:
    """Every host linked to those at fixed distances around a circle.

    The distances grow geometrically from 1, as the fingers of a Chord ring (Stoica et al., 2001), so that the diameter
    grows with the root of the number of hosts and not in proportion to it. An odd degree adds the opposite host.
    """
    count = len(hosts)
    steps = _distances(count, k)
    pairs = {frozenset((index, (index + step) % count)) for index in range(count) for step in steps}
    if k % 2:
        pairs |= {frozenset((index, (index + count // 2) % count)) for index in range(-(-count // 2))}
    return _in_order(hosts, ((hosts[min(pair)], hosts[max(pair)]) for pair in pairs))


def _distances(count: int, k: int) -> list[int]:
    """Half of `k` distances, each below that of the opposite host."""
    wanted = k // 2
    chosen: list[int] = []
    for index in range(wanted):
        chosen.append(max(round(count ** (index / wanted)), chosen[-1] + 1 if chosen else 1))
    longest = count // 2 - 1 if k % 2 else (count - 1) // 2
    # On a small circle a geometric series runs out of room, or leaves fewer than `k` ways (8 hosts of degree 5): there
    # the nearest hosts are linked, which is k-connected for every count (Harary, 1962).
    if count < 2 * k or (chosen and chosen[-1] > longest):
        return list(range(1, min(wanted, longest) + 1))
    return chosen


def _in_order(hosts: Sequence[str], pairs: Iterable[tuple[str, str]]) -> tuple[Link, ...]:
    place = {name: index for index, name in enumerate(hosts)}
    ordered = {tuple(sorted(pair, key=place.__getitem__)) for pair in pairs}
    return tuple(Link(a, b) for a, b in sorted(ordered, key=lambda pair: (place[pair[0]], place[pair[1]])))
