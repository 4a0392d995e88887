"""Every connected graph of up to five hosts, and every set of dead links in it; a set of dead hosts is one of these.

What is walked are the flows and groups as they are installed. `test_direct_rules.py` among the tests in the lab asks
Open vSwitch whether that is how it reads them.
"""

from itertools import combinations, permutations

import networkx as nx
import pytest

from dockmesh.model.mesh import Fabric, Forwarding, Links
from dockmesh.plan.build import build
from dockmesh.plan.simulate import Simulation
from dockmesh.plan.types import Link
from tests.support.graphs import connected_graphs
from tests.support.meshes import mesh_of
from tests.support.walker import FlowMesh, Place, always_ends, container, never_doubles, ping, to_all, walk


def flow_mesh_of(graph: "nx.Graph[str]") -> FlowMesh:
    fabric = Fabric(forwarding=Forwarding.DIRECT, topology=Links(tuple(graph.edges)))
    return FlowMesh(build(mesh_of(len(graph), fabric=fabric)))


def check(graph: "nx.Graph[str]") -> int:
    """All promises on one graph; returns how many walks that were."""
    mesh, walks = flow_mesh_of(graph), 0
    links = len(mesh.bits)
    starts: dict[tuple[str, str], Place] = {}
    for source, destination in permutations(mesh.plan.hosts, 2):
        start = mesh.sent(source.name, ping(container(source), container(destination)))
        starts[source.name, destination.name] = start
        assert always_ends(start)
        assert never_doubles(start)
        promised = Promise(mesh, graph, source.name, destination.name)
        for dead in range(1 << links):
            arrived, _ = walk(start, dead)
            walks += 1
            assert arrived in ([], [(destination.name, start.frame)])
            if not arrived and promised.kept_with(dead):
                assert not joined(mesh, graph, source.name, destination.name, dead), (graph.edges, bin(dead))
    assert needed(mesh, starts) == needed_by_the_plan(mesh)
    return walks


def needed(mesh: FlowMesh, starts: dict[tuple[str, str], Place]) -> set[Link | str]:
    """Links and hosts by whose failure, of each alone, others lose one another."""
    failures: list[tuple[Link | str, int]] = [(link, mesh.dead((link.a, link.b))) for link in mesh.plan.links]
    failures += [(host.name, mesh.dead_host(host.name)) for host in mesh.plan.hosts]
    return {
        failed
        for failed, dead in failures
        if any(failed not in pair and not walk(start, dead)[0] for pair, start in starts.items())
    }


def needed_by_the_plan(mesh: FlowMesh) -> set[Link | str]:
    walks = Simulation(mesh.plan)
    return {*walks.weak_links(mesh.plan.links), *walks.weak_hosts()}


def joined(mesh: FlowMesh, graph: "nx.Graph[str]", source: str, destination: str, dead: int) -> bool:
    """Whether any way is left."""
    left: nx.Graph[str] = nx.Graph([ends for ends in graph.edges if not mesh.dead(ends) & dead])
    left.add_nodes_from(graph)
    return nx.has_path(left, source, destination)


class Promise:
    """What is promised of one ordered pair, if any way is left."""

    def __init__(self, mesh: FlowMesh, graph: "nx.Graph[str]", source: str, destination: str) -> None:
        self.disjoint = nx.edge_connectivity(graph, source, destination)
        relays = set(graph[source]) & set(graph[destination])
        self.short = [mesh.dead((source, relay), (relay, destination)) for relay in relays]
        if graph.has_edge(source, destination):
            self.short.append(mesh.dead((source, destination)))
        self.hosts = {mesh.dead_host(name) for name in graph if name not in (source, destination)}

    def kept_with(self, dead: int) -> bool:
        count = dead.bit_count()
        return count < self.disjoint or count <= 1 or dead in self.hosts or any(not way & dead for way in self.short)


@pytest.mark.parametrize("hosts", [2, 3])
def test_every_pair_keeps_its_promise_whatever_links_are_dead(hosts: int) -> None:
    for graph in connected_graphs(hosts):
        check(graph)


@pytest.mark.parametrize(
    "pairs",
    [
        pytest.param(list(combinations(range(1, 5), 2)), id="full mesh of four"),
        pytest.param([(1, 2), (2, 3), (3, 4), (4, 5), (5, 1)], id="ring of five"),
        # There one search ends and the next begins.
        pytest.param([(1, 2), (2, 3), (3, 1), (3, 4), (4, 5), (5, 3)], id="two triangles that one host joins"),
    ],
)
def test_these_keep_their_promise_whatever_links_are_dead(pairs: list[tuple[int, int]]) -> None:
    check(nx.Graph([(f"host{one}", f"host{other}") for one, other in pairs]))


@pytest.mark.exhaustive
@pytest.mark.parametrize("part", [0, 1, *(pytest.param(part, marks=pytest.mark.long) for part in range(2, 8))])
def test_every_graph_of_up_to_five_hosts_keeps_its_promise_whatever_links_are_dead(part: int) -> None:
    walks = sum(check(graph) for number, graph in enumerate(connected_graphs(4, 5)) if number % 8 == part)

    assert walks > 100_000


@pytest.mark.exhaustive
def test_a_broadcast_comes_once_to_each_host_that_a_ping_would_come_to() -> None:
    for number, graph in enumerate(connected_graphs(3, 4, 5)):
        if len(graph) == 5 and number % 10:
            continue
        mesh = flow_mesh_of(graph)
        for source in mesh.plan.hosts:
            frame = to_all(container(source))
            start = mesh.sent(source.name, frame)
            pings = {
                other.name: mesh.sent(source.name, ping(container(source), container(other)))
                for other in mesh.plan.hosts
                if other != source
            }
            assert always_ends(start)
            assert never_doubles(start)
            for dead in range(1 << len(mesh.bits)):
                arrived, _ = walk(start, dead)
                assert sorted(arrived) == [(name, frame) for name, way in sorted(pings.items()) if walk(way, dead)[0]]
