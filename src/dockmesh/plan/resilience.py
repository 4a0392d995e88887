"""What a mesh is worth: how far frames go, what may fail, and how long that takes to heal."""

from dataclasses import dataclass

from dockmesh.model.mesh import Bfd, Forwarding
from dockmesh.plan.connectivity import host_connectivity, link_connectivity
from dockmesh.plan.direct import branches
from dockmesh.plan.graph import Neighbours, depths, neighbours, pairs_by_hops
from dockmesh.plan.simulate import Simulation
from dockmesh.plan.types import Link, Plan


@dataclass(frozen=True, slots=True)
class Hops:
    """Links that a frame goes over from host to host, over all pairs."""

    mean: float
    most: int


@dataclass(frozen=True, slots=True)
class Term:
    """A part of the time that a cut takes to heal, in milliseconds from `least` to `most`."""

    name: str
    least: int
    most: int
    source: str


# Gaps at a cut link, measured on full meshes of three hosts (docs/explanation/spanning-tree.md): with rstp and BFD at
# 100 ms x 3 from 0.22 to 0.50 s, so up to 0.2 s more than BFD takes; but for one of 9.2 s. With stp about 55 s; by the
# standard (IEEE 802.1D-1998, 8.10) it is Max Age, 20 s, and twice Forward Delay, 15 s.
TAKES_OVER = Term("spanning tree: another link takes over", 0, 200, "measured with three hosts")
MAX_AGE = Term("Max Age: the root's last BPDU expires", 0, 20_000, "IEEE 802.1D-1998")
LISTEN_AND_LEARN = (
    Term("Forward Delay, listening", 15_000, 15_000, "IEEE 802.1D-1998"),
    Term("Forward Delay, learning", 15_000, 15_000, "IEEE 802.1D-1998"),
)
# With direct, measured on a full mesh of four hosts and a ring of five: from 0.26 to 0.39 s where BFD takes 0.3 s
# (docs/explanation/forwarding.md).
NEXT_WAY = Term("groups: the next path takes over", 0, 100, "measured with four and five hosts")


@dataclass(frozen=True, slots=True)
class Resilience:
    frames: Hops  # as frames go while all is well
    links: Hops  # along the shortest paths that there are
    links_may_fail: int  # any so many links, and all hosts stay connected
    hosts_may_fail: int  # any so many hosts, and none of the others loses another
    weak_links: tuple[Link, ...]  # each of these alone splits the mesh
    weak_hosts: tuple[str, ...]  # each of these alone splits the others
    tunnels: tuple[int, int]  # of the hosts with the fewest, and of those with the most
    healing: tuple[Term, ...]  # of a cut link that carried frames; empty if no link has another way beside it

    @property
    def healing_ms(self) -> tuple[int, int]:
        return sum(term.least for term in self.healing), sum(term.most for term in self.healing)


def resilience(plan: Plan) -> Resilience:
    names = [host.name for host in plan.hosts]
    peers = neighbours(names, plan.links)
    counts = [len(each) for each in peers.values()]
    hosts = host_connectivity(peers)
    # Whitney, 1932: not fewer than hosts, and not more than the fewest at a host.
    links = hosts if hosts == min(counts) else link_connectivity(peers)
    if not plan.has_tree:
        return _direct(plan, peers, links, hosts)
    return Resilience(
        frames=_hops(neighbours(names, plan.carrying)),
        links=_hops(peers),
        links_may_fail=links - 1,
        hosts_may_fail=hosts - 1,
        weak_links=_weak_links(names, plan.links, plan.carrying) if links == 1 else (),
        weak_hosts=_weak_hosts(peers) if hosts == 1 else (),
        tunnels=(min(counts), max(counts)),
        healing=healing(plan.fabric.forwarding, plan.fabric.bfd) if len(plan.links) > len(plan.carrying) else (),
    )


def _direct(plan: Plan, peers: Neighbours, links: int, hosts: int) -> Resilience:
    """What the rules do, found by simulation; of several dead links at once what plan/search.py promises.

    `links` and `hosts`: so many must fail before no way at all is left to somebody.
    """
    simulation = Simulation(plan)
    hops = list(simulation.hops())
    counts = [len(each) for each in peers.values()]
    weak_links, weak_hosts = simulation.weak_links(plan.links), simulation.weak_hosts()
    return Resilience(
        frames=Hops(sum(hops) / len(hops), max(hops)),
        links=_hops(peers),
        links_may_fail=0 if weak_links else min(links, branches(len(peers))) - 1,
        hosts_may_fail=0 if weak_hosts else simulation.hosts_may_fail(hosts - 1),
        weak_links=weak_links,
        weak_hosts=weak_hosts,
        tunnels=(min(counts), max(counts)),
        healing=healing(plan.fabric.forwarding, plan.fabric.bfd) if len(plan.links) >= len(peers) else (),
    )


def _hops(peers: Neighbours) -> Hops:
    pairs = pairs_by_hops(peers)
    return Hops(sum(hops * count for hops, count in enumerate(pairs, start=1)) / sum(pairs), len(pairs))


def _weak_links(names: list[str], links: tuple[Link, ...], tree: tuple[Link, ...]) -> tuple[Link, ...]:
    """A link that is not in the tree parts nobody."""
    weak = []
    for link in tree:
        others = [other for other in links if other != link]
        if len(depths(neighbours(names, others), link.a)) < len(names):
            weak.append(link)
    return tuple(weak)


def _weak_hosts(peers: Neighbours) -> tuple[str, ...]:
    weak = []
    for name in peers:
        others = {other: [peer for peer in each if peer != name] for other, each in peers.items() if other != name}
        if others and len(depths(others, next(iter(others)))) < len(others):
            weak.append(name)
    return tuple(weak)


def healing(forwarding: Forwarding, bfd: Bfd) -> tuple[Term, ...]:
    """How long a cut link that carried frames takes to heal, where another way is left."""
    if forwarding is Forwarding.STP:
        return (MAX_AGE, *LISTEN_AND_LEARN)
    silent = bfd.interval_ms * bfd.multiplier
    seen = Term(f"BFD: {bfd.multiplier} × {bfd.interval_ms} ms without a packet", silent, silent, "RFC 5880")
    return seen, TAKES_OVER if forwarding.has_tree else NEXT_WAY
