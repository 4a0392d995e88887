"""Growth moves few links, and what `plan/resilience.py` says of any mesh is what networkx says."""

from ipaddress import IPv4Address

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockmesh.model.mesh import Degree, FullMesh, Mesh, Ring, Sites, Star, Topology
from dockmesh.plan.build import build
from dockmesh.plan.connectivity import host_connectivity, link_connectivity
from dockmesh.plan.direct import branches
from dockmesh.plan.graph import neighbours
from dockmesh.plan.resilience import resilience
from dockmesh.plan.topology import links
from dockmesh.plan.types import Link
from tests.support.graphs import graphs
from tests.support.meshes import meshes

FIRST = IPv4Address("172.17.42.1")


@st.composite
def grown_meshes(draw: st.DrawFn, least: int = 3) -> tuple[dict[str, IPv4Address], str]:
    """Hosts in any gaps that others left, and one of them that comes last or goes first."""
    places = sorted(draw(st.sets(st.integers(0, 60), min_size=least + 1, max_size=30)))
    hosts = {f"host{place}": FIRST + place for place in places}
    return hosts, draw(st.sampled_from(list(hosts)))


def changed(hosts: dict[str, IPv4Address], which: str, topology: Topology, before: Topology | None = None) -> int:
    others = {name: address for name, address in hosts.items() if name != which}
    return len(set(links(hosts, topology)) ^ set(links(others, before or topology)))


@given(grown_meshes())
def test_a_host_more_in_a_full_mesh_is_a_link_to_each_of_the_others(mesh: tuple[dict[str, IPv4Address], str]) -> None:
    hosts, which = mesh

    assert changed(hosts, which, FullMesh()) == len(hosts) - 1


@given(grown_meshes())
def test_a_host_more_in_a_ring_is_one_link_replaced_by_two(mesh: tuple[dict[str, IPv4Address], str]) -> None:
    hosts, which = mesh
    # Of three hosts each is linked to each: there the two ends of the new host stay linked to each other.
    assert changed(hosts, which, Ring()) == (3 if len(hosts) > 3 else 2)


@given(grown_meshes())
def test_a_host_more_in_a_star_is_one_link_more(mesh: tuple[dict[str, IPv4Address], str]) -> None:
    hosts, which = mesh
    hub = next(name for name in hosts if name != which)

    assert changed(hosts, which, Star(hub)) == 1


@given(grown_meshes(), st.integers(1, 3))
def test_a_host_more_at_the_end_of_a_site_is_a_link_to_each_host_there(
    mesh: tuple[dict[str, IPv4Address], str], cut: int
) -> None:
    hosts, which = mesh
    others = [name for name in hosts if name != which]
    here, there = tuple(others[: cut + 1]), tuple(others[cut + 1 :])
    if len(here) < 2 or len(there) < 2:
        here, there = tuple(others[:1]), tuple(others[1:])
    before, after = Sites((("here", here), ("there", there))), Sites((("here", here), ("there", (*there, which))))

    if min(len(here), len(there)) >= 2:
        assert changed(hosts, which, after, before) == len(there)


@given(grown_meshes(least=8), st.integers(2, 8))
def test_a_host_that_comes_or_goes_at_any_place_moves_at_most_five_links_a_degree(
    mesh: tuple[dict[str, IPv4Address], str], k: int
) -> None:
    hosts, which = mesh

    assert changed(hosts, which, Degree(k)) <= 5 * k


@pytest.mark.parametrize("k", [2, 3, 4, 5, 8])
def test_hosts_added_one_by_one_at_the_end_move_about_one_and_a_half_links_a_degree(k: int) -> None:
    hosts = {f"host{place}": FIRST + place for place in range(40)}
    steps = [
        changed(dict(list(hosts.items())[: count + 1]), f"host{count}", Degree(k)) for count in range(k + 1, len(hosts))
    ]

    assert sum(steps) / len(steps) <= 2 * k
    assert max(steps) <= 3 * k


@given(grown_meshes(least=8), st.integers(2, 8))
def test_a_degree_holds_wherever_the_hosts_have_their_addresses(
    mesh: tuple[dict[str, IPv4Address], str], k: int
) -> None:
    hosts, _ = mesh
    graph: nx.Graph[str] = nx.Graph([(link.a, link.b) for link in links(hosts, Degree(k))])

    assert set(graph) == set(hosts)
    assert nx.node_connectivity(graph) >= k


@given(graphs(most=14))
def test_connectivity_of_any_graph_is_what_networkx_finds(graph: "nx.Graph[str]") -> None:
    peers = neighbours(list(graph), [Link(a, b) for a, b in graph.edges])

    assert link_connectivity(peers) == nx.edge_connectivity(graph)
    assert host_connectivity(peers) == nx.node_connectivity(graph)


@given(meshes(most=9))
def test_the_shape_of_any_mesh_is_what_networkx_finds(mesh: Mesh) -> None:
    plan = build(mesh)
    graph: nx.Graph[str] = nx.Graph([(link.a, link.b) for link in plan.links])

    found = resilience(plan)

    links, hosts = int(nx.edge_connectivity(graph)) - 1, int(nx.node_connectivity(graph)) - 1
    if plan.tree is None:
        # Of several hosts at once nothing is promised, but where each pair has a link of its own.
        assert found.links_may_fail == min(links, branches(len(graph)) - 1)
        assert min(hosts, 1) <= found.hosts_may_fail <= hosts
    else:
        assert (found.links_may_fail, found.hosts_may_fail) == (links, hosts)
    assert found.links.most == nx.diameter(graph)
    assert found.links.mean == pytest.approx(nx.average_shortest_path_length(graph))
    if plan.tree is not None:
        tree: nx.Graph[str] = nx.Graph([(link.a, link.b) for link in plan.tree.links])
        assert found.frames.most == nx.diameter(tree)
        assert found.frames.mean == pytest.approx(nx.average_shortest_path_length(tree))
    assert {frozenset((link.a, link.b)) for link in found.weak_links} == {frozenset(pair) for pair in nx.bridges(graph)}
    assert set(found.weak_hosts) == set(nx.articulation_points(graph))
