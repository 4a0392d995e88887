"""Which hosts are linked. Hosts come by name in the order of their bridge addresses; so do both ends of a link.

A host that comes or goes moves few links, wherever in that order it stands: of a full mesh, a star and a site only its
own, of a ring also the one that it takes the place of; of a degree see `degree`.
"""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address
from itertools import combinations

from dockmesh.model.mesh import Degree, FullMesh, Links, Ring, Sites, Star, Topology
from dockmesh.plan.degree import degree_pairs
from dockmesh.plan.types import Link

# So many links join two sites, each of hosts of its own: any one of them may fail, and any one host.
BETWEEN_SITES = 2


def links(addresses: Mapping[str, IPv4Address], topology: Topology) -> tuple[Link, ...]:
    hosts = list(addresses)
    match topology:
        case FullMesh():
            return tuple(Link(a, b) for a, b in combinations(hosts, 2))
        case Ring():
            return _in_order(hosts, zip(hosts, [*hosts[1:], hosts[0]], strict=True))
        case Star(hub):
            middle = hub or hosts[0]
            return _in_order(hosts, ((middle, other) for other in hosts if other != middle))
        case Degree(k):
            return _in_order(hosts, degree_pairs(addresses, k))
        case Sites(groups):
            return _in_order(hosts, _site_pairs([members for _, members in groups]))
        case Links(pairs):
            return _in_order(hosts, pairs)


def hub_of(topology: Topology, first: str) -> str | None:
    """The host in the middle of a star; `first` is the one with the lowest address."""
    return (topology.hub or first) if isinstance(topology, Star) else None


def in_words(topology: Topology, first: str) -> str:
    match topology:
        case FullMesh():
            return "full mesh"
        case Ring():
            return "ring"
        case Star():
            return f"star around {hub_of(topology, first)}"
        case Degree(k):
            return f"degree {k}"
        case Sites(groups):
            return f"{len(groups)} sites"
        case _:
            return "links as given"


def _site_pairs(sites: Sequence[Sequence[str]]) -> Iterable[tuple[str, str]]:
    for members in sites:
        yield from combinations(members, 2)
    for one, other in combinations(sites, 2):
        # The first with the first and the second with the second; a host alone in its site holds both links.
        count = min(BETWEEN_SITES, max(len(one), len(other)))
        yield from ((one[min(place, len(one) - 1)], other[min(place, len(other) - 1)]) for place in range(count))


def _in_order(hosts: Sequence[str], pairs: Iterable[tuple[str, str]]) -> tuple[Link, ...]:
    place = {name: index for index, name in enumerate(hosts)}
    ordered = {tuple(sorted(pair, key=place.__getitem__)) for pair in pairs}
    return tuple(Link(a, b) for a, b in sorted(ordered, key=lambda pair: (place[pair[0]], place[pair[1]])))
