"""The spanning tree that the switches will find, found beforehand: its root is the plan's choice, not chance's."""

from collections.abc import Sequence

from dockmesh.errors import UsageError
from dockmesh.model.mesh import Degree, FullMesh, Ring, Sites, Star, Topology
from dockmesh.plan.graph import Neighbours, depths, neighbours, path
from dockmesh.plan.types import Link, SpanningTree

# IEEE 802.1D: the lowest wins, in steps of 4096; among equals the lower MAC address, which stands in the order of the
# bridge addresses.
ROOT, BACKUP, OTHERS = 4096, 8192, 32768
# IEEE 802.1D-2004, 17.13.8: a message older than Max Age (20, its default) is dropped, and each hop adds one.
DEEPEST = 19


def spanning_tree(hosts: Sequence[str], links: Sequence[Link], topology: Topology) -> SpanningTree:
    """Raises UsageError when a host is farther from the root than the spanning tree protocol can reach."""
    root, backup = roots(hosts, links, topology)
    return SpanningTree(root, backup, tree_links(hosts, links, root, backup))


def roots(hosts: Sequence[str], links: Sequence[Link], topology: Topology) -> tuple[str, str]:
    """The root and the host that takes over when it dies.

    Where the kind of mesh has no middle it is the first host, and where the kind has one, that: so no host that is
    added moves the root, which recreates bridges. Only among links of a person's own the middle is looked for.
    """
    match topology:
        case FullMesh() | Ring() | Degree():
            root = hosts[0]
        case Star(hub):
            root = hub or hosts[0]
        case Sites(groups):
            root = groups[0][1][0]
        case _:
            return choose_roots(hosts, links)
    if root == hosts[0]:
        # Then nobody has a priority of its own, and the next by address takes over: see `priorities`.
        return root, hosts[1]
    if isinstance(topology, Sites):
        return root, [*topology.groups[0][1], *topology.groups[1][1]][1]
    return root, hosts[0]


def choose_roots(hosts: Sequence[str], links: Sequence[Link]) -> tuple[str, str]:
    """The host in the middle, and the one that takes over when it dies.

    The middle is that of the longest shortest path found by two breadth-first walks: exact in a tree, near enough in
    any graph, and linear where the true centre is not.
    """
    peers = neighbours(hosts, links)
    one = _farthest(peers, hosts, hosts[0])
    other = _farthest(peers, hosts, one)
    longest = path(peers, min(one, other, key=hosts.index), max(one, other, key=hosts.index))
    middle = longest[(len(longest) - 1) // 2]
    # In a mesh where nobody is more in the middle than the first host, people expect the first.
    if _depth(peers, hosts[0]) <= _depth(peers, middle):
        return hosts[0], hosts[1]
    root = middle
    backup = min(peers[root], key=lambda name: (-len(peers[name]), hosts.index(name)))
    return root, backup


def priorities(hosts: Sequence[str], root: str, backup: str) -> dict[str, int]:
    """By host its priority in the spanning tree.

    A living bridge that changes its priority must be recreated. So where the first host is the root, nobody gets one
    of its own: the lowest MAC address decides, and no host that comes or goes moves the priority of another.
    """
    if root == hosts[0]:
        return dict.fromkeys(hosts, OTHERS)
    return dict.fromkeys(hosts, OTHERS) | {root: ROOT, backup: BACKUP}


def tree_links(hosts: Sequence[str], links: Sequence[Link], root: str, backup: str) -> tuple[Link, ...]:
    """The links that carry frames while all is well: each host's shortest way to the root.

    Among equally long ways the spanning tree takes the neighbour with the lower bridge identifier: `backup` before all
    others by its priority, the others by their MAC address, which stands in the order of their bridge addresses.

    Raises UsageError when a host is farther from the root than the spanning tree protocol can reach.
    """
    peers = neighbours(hosts, links)
    place = {name: index for index, name in enumerate(hosts)}
    depth = depths(peers, root)
    deepest = max(depth, key=lambda name: (depth[name], -place[name]))
    if depth[deepest] > DEEPEST:
        raise UsageError(
            f"{deepest} is {depth[deepest]} hops from {root}, the root; a spanning tree reaches {DEEPEST}",
            do="link the hosts more closely: a higher degree, or links that shorten the way",
        )
    parents = (
        (name, min((peer for peer in peers[name] if depth[peer] < depth[name]), key=lambda p: (p != backup, place[p])))
        for name in hosts
        if name != root
    )
    tree = (Link(*sorted(pair, key=place.__getitem__)) for pair in parents)
    return tuple(sorted(tree, key=lambda link: (place[link.a], place[link.b])))


def _farthest(peers: Neighbours, hosts: Sequence[str], start: str) -> str:
    depth = depths(peers, start)
    return max(hosts, key=lambda name: depth.get(name, 0))


def _depth(peers: Neighbours, root: str) -> int:
    return max(depths(peers, root).values())
