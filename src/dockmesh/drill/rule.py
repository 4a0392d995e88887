"""What each way of forwarding does when something fails: the one place of the drill where forwarding matters. Pure.

Each figure is a term of a sum, with its source. "docs" is docs/explanation/spanning-tree.md.
"""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import permutations

from dockmesh.drill.types import Pair
from dockmesh.errors import UsageError
from dockmesh.model.mesh import Forwarding
from dockmesh.plan.graph import depths, neighbours, path
from dockmesh.plan.resilience import LISTEN_AND_LEARN, Term, healing
from dockmesh.plan.simulate import Simulation
from dockmesh.plan.tree import tree_links
from dockmesh.plan.types import Link, Plan

Terms = tuple[Term, ...]
# A ping's, there and back: from the source to the target and home again.
Ways = Mapping[Pair, tuple[str, ...]]

HELLO = Term("Hello Time: until the root's next BPDU", 0, 2_000, "IEEE 802.1D-2004")
AGREE = Term("spanning tree: both ends agree", 0, 200, "measured with three hosts")
BFD_UP = Term("BFD: two packets, one a second, until a tunnel is up", 0, 2_000, "RFC 5880, 6.8.3")
# Who was silent for long is asked for again.
ARP = Term("ARP: a question a second", 0, 1_000, "Linux, net.ipv4.neigh.default.retrans_time_ms")
SWITCH_UP = Term("systemd starts ovs-vswitchd and the fabric again", 0, 3_000, "measured with three hosts")
FLOWS_UP = Term(
    "systemd starts ovs-vswitchd, and its flows are put back", 0, 1_000, "measured on two hosts, six of seven times"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """`ways`: who reaches whom, and through whom, while links and hosts are dead. Pairs without a path are left out."""

    ways: Callable[[Plan, Set[Link], Set[str]], Ways]
    cut: Terms  # frames go another way
    seen: Terms  # a link is there again, and the switches notice
    back: Terms  # a link or a host is there again, and frames go the old way
    aside: Terms  # of pairs whose way stays, while that of others changes
    start: Terms  # a host that is there again, or a link without which there was no way, carries its first frame
    switch: Terms  # ovs-vswitchd was killed, for the pairs of that host


def rule(plan: Plan) -> Rule:
    cut = healing(plan.fabric.forwarding, plan.fabric.bfd)
    match plan.fabric.forwarding:
        case Forwarding.STP:
            start = (HELLO, *LISTEN_AND_LEARN, ARP)
            return Rule(
                ways_by_tree,
                cut=cut,
                seen=(HELLO,),
                back=(HELLO, *LISTEN_AND_LEARN),
                aside=(),
                start=start,
                switch=(SWITCH_UP, *start),
            )
        case Forwarding.RSTP:
            return Rule(
                ways_by_tree,
                cut=cut,
                seen=(BFD_UP, HELLO),
                back=(HELLO, AGREE),
                aside=(AGREE,),
                start=(BFD_UP, HELLO, AGREE, ARP),
                switch=(SWITCH_UP, BFD_UP, HELLO, AGREE, ARP),
            )
        case Forwarding.DIRECT:
            # A peer is tried whatever BFD says; who is further away waits for it.
            full = len(plan.links) == len(plan.hosts) * (len(plan.hosts) - 1) // 2
            return Rule(
                ways_by_search,
                cut=cut,
                seen=(BFD_UP,),
                back=(),
                aside=(),
                start=(BFD_UP, ARP),
                switch=(FLOWS_UP,) if full else (FLOWS_UP, BFD_UP),
            )


def ways_by_search(plan: Plan, dead_links: Set[Link], dead_hosts: Set[str]) -> Ways:
    """By the rules of `direct`, once BFD has seen what is dead. A link that is dead one way is so both ways then."""
    simulation = Simulation(plan)
    links = frozenset(frozenset((link.a, link.b)) for link in dead_links)
    alive = [host.name for host in plan.hosts if host.name not in dead_hosts]
    one_way = {pair: simulation.way(*pair, links=links, hosts=dead_hosts) for pair in permutations(alive, 2)}
    return {
        (a, b): (*there, *back[1:])
        for (a, b), there in one_way.items()
        if there is not None and (back := one_way[b, a]) is not None
    }


def ways_by_tree(plan: Plan, dead_links: Set[Link], dead_hosts: Set[str]) -> Ways:
    """By the spanning trees that are left, one in each part. A part too deep for a tree has no way that is sure."""
    return dict(_ways(plan, dead_links, dead_hosts))


def _ways(plan: Plan, dead_links: Set[Link], dead_hosts: Set[str]) -> Iterator[tuple[Pair, tuple[str, ...]]]:
    planned = plan.tree
    hosts = [host.name for host in plan.hosts if host.name not in dead_hosts]
    links = [link for link in plan.links if link not in dead_links and not {link.a, link.b} & dead_hosts]
    peers = neighbours(hosts, links)
    left = hosts if planned else []
    while planned and left:
        reached = depths(peers, left[0])
        part = [name for name in hosts if name in reached]
        left = [name for name in left if name not in reached]
        root = next((name for name in (planned.root, planned.backup_root) if name in part), part[0])
        inside = [link for link in links if link.a in reached]
        try:
            tree = neighbours(part, tree_links(part, inside, root, planned.backup_root))
        except UsageError:
            continue
        for a, b in permutations(part, 2):
            there = path(tree, a, b)
            yield (a, b), (*there, *reversed(there[:-1]))
