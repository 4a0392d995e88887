"""How frames go between each two hosts now: by what the ports of the spanning tree do, or by the rules of `direct`."""

from collections.abc import Mapping
from itertools import combinations

from dockmesh.plan.graph import depths, neighbours, path
from dockmesh.plan.simulate import Simulation
from dockmesh.plan.types import Link, Plan
from dockmesh.status.types import FramePath
from dockmesh.verify.tree import FORWARDING, TreeView
from dockmesh.verify.tunnel import End, TunnelState


def open_links(plan: Plan, views: Mapping[str, TreeView], ends: Mapping[tuple[str, str], End]) -> tuple[Link, ...]:
    """Links that carry frames: every end that was read lets them pass, and at least one was read.

    BFD is up only where both ends hear each other, so one end tells of a host that answers no SSH.
    """
    passes = {
        (name, port.peer): (not view.on or port.state == FORWARDING)
        and ends[name, port.peer].state in (TunnelState.UP, TunnelState.NO_BFD)
        for name, view in views.items()
        for port in view.ports
    }
    if not plan.has_tree:
        passes = {direction: end.state in (TunnelState.UP, TunnelState.NO_BFD) for direction, end in ends.items()}
    read = {name for name, _ in ends}
    found = []
    for link in plan.links:
        directions = [(link.a, link.b), (link.b, link.a)]
        told = [passes.get(direction, False) for direction in directions if direction[0] in read]
        if told and all(told):
            found.append(link)
    return tuple(found)


def find_ways(plan: Plan, links: tuple[Link, ...]) -> tuple[FramePath, ...]:
    names = [host.name for host in plan.hosts]
    if not plan.has_tree:
        simulation = Simulation(plan)
        dead = frozenset(frozenset((link.a, link.b)) for link in plan.links if link not in links)
        return tuple(FramePath(a, b, simulation.way(a, b, links=dead) or ()) for a, b in combinations(names, 2))
    graph = neighbours(names, links)
    reached = {name: depths(graph, name) for name in names}
    return tuple(
        FramePath(a, b, tuple(path(graph, a, b)) if b in reached[a] else ()) for a, b in combinations(names, 2)
    )
