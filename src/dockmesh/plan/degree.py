"""The links of `degree: k`: k-connected, a few hops across, and little moved by a host that comes or goes.

Hosts stand on circles, each in an order that a host's own address decides, so that one that comes or goes opens each
circle in one place and nothing elsewhere. (Law and Siu, 2003, build networks of random circles for the same reason.)

- The first circle is in the order of the addresses; hosts are linked to the nearest, up to a distance. That alone is
  connected as many times over as its links are at each host (Harary, 1962).
- One more circle, from degree 6 on two, is in a scattered order, where neighbours are far apart on the first. Each host
  is linked to the one before it and the one after it; past those that it is linked to already, so that it has as many
  links as it is to have.
- If a cut of fewer than k hosts is left, a link across it is added (see LOOKED_AT).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Address

from dockmesh.plan.connectivity import weak_side

TWO_CIRCLES = 6  # the degree from which on there are two scattered circles
# To look for weak cuts takes 0.4 s with 300 hosts of degree 8, and more than a second with 1000, which every command
# would pay. Beyond so many hosts nobody looks; most degrees have no such cut there, and `dockmesh plan` tells.
LOOKED_AT = 300


def degree_pairs(addresses: Mapping[str, IPv4Address], k: int) -> set[tuple[str, str]]:
    """Pairs of names, in the order of `addresses`, which is that of the addresses."""
    names, keys = list(addresses), [int(address) for address in addresses.values()]
    if k >= len(names):
        k = len(names) - 1
    scattered = () if k < 3 else (_golden,) if k < TWO_CIRCLES else (_golden, mixed)
    peers: list[set[int]] = [set() for _ in names]
    nearest = k // 2 - len(scattered) + k % 2
    for distance in range(1, nearest + 1):
        _circle(peers, distance)
    for number, order in enumerate(scattered, start=1):
        # An odd degree wants one link of the last circle, not two.
        _scatter(peers, keys, order, one=bool(k % 2) and number == len(scattered))
    if len(names) <= LOOKED_AT:
        _strengthen(peers, nearest, k)
    return {(names[one], names[other]) for one, others in enumerate(peers) for other in others if one < other}


def _golden(key: int) -> int:
    """Multiples of the golden ratio's fraction spread most evenly (Knuth, volume 3, section 6.4): 32 bits of it."""
    return key * 2654435769 & 0xFFFFFFFF


def mixed(key: int) -> int:
    """The last step of MurmurHash3, which gives each 32-bit number another that looks like chance."""
    key = (key ^ key >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    key = (key ^ key >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return key ^ key >> 16


def _circle(peers: list[set[int]], distance: int) -> None:
    for here in range(len(peers)):
        _link(peers, here, (here + distance) % len(peers))


def _link(peers: list[set[int]], one: int, other: int) -> None:
    if one != other:
        peers[one].add(other)
        peers[other].add(one)


def _scatter(peers: list[set[int]], keys: Sequence[int], order: Callable[[int], int], *, one: bool) -> None:
    circle = sorted(range(len(keys)), key=lambda host: order(keys[host]))
    links = []
    for place, here in enumerate(circle):
        others = [*circle[place + 1 :], *circle[:place]]
        sides = [_first_without(peers[here], side) for side in (others, reversed(others))]
        wanted = [side for side in sides if side is not None]
        if one:
            # Each the one of its two that chance prefers: both ends often agree, and nobody is left out.
            wanted = sorted(wanted, key=lambda there: order(keys[here] ^ keys[there]))[:1]
        links += [(here, there) for there in wanted]
    for here, there in links:
        _link(peers, here, there)


def _first_without(linked: set[int], hosts: Iterable[int]) -> int | None:
    return next((host for host in hosts if host not in linked), None)


def _strengthen(peers: list[set[int]], nearest: int, k: int) -> None:
    """Until no fewer than `k` hosts part the others: links of the first circle's next distance.

    With all of these it would be so for certain, so one of them crosses each cut that is left.
    """
    names = [str(number) for number in range(len(peers))]
    while side := weak_side({name: [names[peer] for peer in sorted(peers[int(name)])] for name in names}, k):
        inside = {int(name) for name in side}
        cut = {peer for host in inside for peer in peers[host]} - inside
        count = len(peers)
        one, other = next(
            (here, (here + distance) % count)
            for distance in range(nearest + 1, count)
            for here in range(count)
            if len({here, (here + distance) % count} & inside) == 1 and not {here, (here + distance) % count} & cut
        )
        _link(peers, one, other)
