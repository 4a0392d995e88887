"""Direct forwarding in meshes of more than the five hosts that tests/unit/render walks all of."""

from itertools import pairwise, permutations

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from dockmesh.model.mesh import Fabric, Forwarding, Links, Mesh
from dockmesh.plan.blocks import Block, GraphBlocks
from dockmesh.plan.build import build
from dockmesh.plan.direct import branches
from dockmesh.plan.disjoint import disjoint_paths
from dockmesh.plan.simulate import Simulation
from tests.support.graphs import graphs
from tests.support.meshes import mesh_of, topologies
from tests.support.walker import FlowMesh, always_ends, container, never_doubles, to_all, walk


@st.composite
def meshes(draw: st.DrawFn, most: int) -> Mesh:
    count = draw(st.integers(6, most))
    topology = draw(topologies([f"host{number}" for number in range(1, count + 1)]))
    return mesh_of(count, fabric=Fabric(forwarding=Forwarding.DIRECT, topology=topology))


def flow_mesh_of(graph: "nx.Graph[str]") -> Mesh:
    return mesh_of(len(graph), fabric=Fabric(forwarding=Forwarding.DIRECT, topology=Links(tuple(graph.edges))))


@given(meshes(most=12), st.data())
def test_nothing_circles_or_doubles_whatever_each_host_takes_for_dead(mesh: Mesh, data: st.DataObject) -> None:
    walked = FlowMesh(build(mesh))
    source = data.draw(st.sampled_from(walked.plan.hosts))
    links = st.integers(0, (1 << len(walked.bits)) - 1)
    seen = {host.name: data.draw(links) for host in walked.plan.hosts}

    start = walked.sent(source.name, to_all(container(source)))
    arrived, _ = walk(start, data.draw(links), seen)

    assert always_ends(start)
    assert never_doubles(start)
    names = [name for name, _ in arrived]
    assert len(names) == len(set(names))
    assert source.name not in names


@given(graphs(most=14))
def test_one_dead_link_or_host_costs_no_pair_that_has_a_way_left(graph: "nx.Graph[str]") -> None:
    plan = build(flow_mesh_of(graph))
    simulation = Simulation(plan)

    assert {frozenset((link.a, link.b)) for link in simulation.weak_links(plan.links)} == {
        frozenset(pair) for pair in nx.bridges(graph)
    }
    # An end of a bridge parts nobody but itself, and only of two or more others can one lose another.
    assert set(simulation.weak_hosts()) == set(nx.articulation_points(graph))


@given(graphs(most=12), st.data())
def test_a_pair_bears_fewer_dead_links_than_it_has_paths_that_share_none(
    graph: "nx.Graph[str]", data: st.DataObject
) -> None:
    plan = build(flow_mesh_of(graph))
    simulation = Simulation(plan)
    source, destination = data.draw(st.sampled_from(list(permutations(graph, 2))))
    paths = min(int(nx.edge_connectivity(graph, source, destination)), branches(len(graph)))

    links = st.sampled_from([frozenset(pair) for pair in graph.edges])
    dead = data.draw(st.sets(links, max_size=paths - 1))

    assert simulation.way(source, destination, links=dead)


@given(graphs(most=12), st.integers(1, 5), st.data())
def test_disjoint_paths_are_as_many_as_there_are_and_no_host_is_on_all(
    graph: "nx.Graph[str]", most: int, data: st.DataObject
) -> None:
    number = {name: place for place, name in enumerate(graph)}
    around = [sorted(number[peer] for peer in graph[name]) for name in graph]
    start, end = data.draw(st.sampled_from(list(permutations(range(len(graph)), 2))))
    for block, enter, leave in GraphBlocks(around).chain(start, end):
        paths = disjoint_paths(block, enter, leave, most, range(len(graph)))

        inside: nx.Graph[int] = nx.Graph([(host, peer) for host, peers in block.around.items() for peer in peers])
        assert len(paths) == min(most, nx.edge_connectivity(inside, enter, leave))
        links = [frozenset(link) for path in paths for link in pairwise(path)]
        assert len(links) == len(set(links))
        assert all((path[0], path[-1]) == (enter, leave) and nx.is_path(inside, path) for path in paths)
        if len(paths) > 1:
            assert not set[int].intersection(*(set(path[1:-1]) for path in paths))


@given(graphs(most=12))
def test_blocks_are_what_networkx_finds(graph: "nx.Graph[str]") -> None:
    number = {name: place for place, name in enumerate(graph)}
    around = [sorted(number[peer] for peer in graph[name]) for name in graph]
    found = GraphBlocks(around)
    parts = nx.biconnected_component_edges(graph)

    blocks = {frozenset(block.around) for place in range(1, len(graph)) for block, _, _ in found.chain(0, place)}
    # All blocks lie on the way to somebody.
    assert blocks == {frozenset(number[name] for link in part for name in link) for part in parts}


def test_a_block_knows_how_far_its_hosts_are() -> None:
    assert Block({0: [1], 1: [0, 2], 2: [1]}).far(0) == {0: 0, 1: 1, 2: 2}
