from dataclasses import replace

import networkx as nx
import pytest

from dockmesh.model.mesh import Bfd, Degree, Fabric, Forwarding, Links, Ring, Sites, Star, Topology
from dockmesh.plan.build import build
from dockmesh.plan.connectivity import host_connectivity, link_connectivity, weak_side
from dockmesh.plan.graph import neighbours, pairs_by_hops
from dockmesh.plan.resilience import Hops, Resilience, resilience
from dockmesh.plan.types import Link
from tests.support.graphs import connected_graphs
from tests.support.meshes import TREE, mesh_of


def shape_of(count: int, topology: Topology, forwarding: Forwarding = Forwarding.RSTP) -> Resilience:
    return resilience(build(mesh_of(count, fabric=Fabric(topology=topology, forwarding=forwarding))))


def test_connectivity_is_what_networkx_finds_on_every_graph_of_up_to_five_hosts() -> None:
    seen = 0
    for graph in connected_graphs(2, 3, 4, 5):
        peers = neighbours(list(graph), [Link(a, b) for a, b in graph.edges])
        seen += 1

        assert link_connectivity(peers) == nx.edge_connectivity(graph), graph.edges
        assert host_connectivity(peers) == nx.node_connectivity(graph), graph.edges

    assert seen == 1 + 4 + 38 + 728


def test_hops_are_what_networkx_finds_on_every_graph_of_up_to_five_hosts() -> None:
    for graph in connected_graphs(2, 3, 4, 5):
        pairs = pairs_by_hops(neighbours(list(graph), [Link(a, b) for a, b in graph.edges]))

        assert len(pairs) == nx.diameter(graph)
        assert sum(hops * count for hops, count in enumerate(pairs, start=1)) / sum(pairs) == pytest.approx(
            nx.average_shortest_path_length(graph)
        )


def test_a_weak_side_is_one_that_few_hosts_part_from_the_rest() -> None:
    peers = {"a": ["b", "c"], "b": ["a", "c"], "c": ["a", "b", "d", "e"], "d": ["c", "e"], "e": ["c", "d"]}

    side = weak_side(peers, 2)

    assert side in (frozenset("ab"), frozenset("de"))
    assert weak_side(peers, 1) is None


def test_frames_take_the_tree_and_not_the_shortest_way() -> None:
    found = shape_of(4, Ring())

    assert found.frames == Hops(mean=10 / 6, most=3)
    assert found.links == Hops(mean=8 / 6, most=2)


def test_a_ring_bears_one_link_or_one_host() -> None:
    found = shape_of(6, Ring())

    assert (found.links_may_fail, found.hosts_may_fail, found.tunnels) == (1, 1, (2, 2))
    assert (found.weak_links, found.weak_hosts) == ((), ())


def test_a_star_bears_nothing_and_names_what_it_hangs_on() -> None:
    found = shape_of(3, Star("host2"))

    assert (found.links_may_fail, found.hosts_may_fail, found.tunnels) == (0, 0, (1, 2))
    assert found.weak_links == (Link("host1", "host2"), Link("host2", "host3"))
    assert found.weak_hosts == ("host2",)


def test_of_two_hosts_none_is_needed_by_others() -> None:
    found = shape_of(2, Ring())

    assert (found.hosts_may_fail, found.weak_hosts) == (0, ())


def test_sites_bear_one_link_or_one_host() -> None:
    found = shape_of(6, Sites((("one", ("host1", "host2", "host3")), ("two", ("host4", "host5", "host6")))))

    assert (found.links_may_fail, found.hosts_may_fail, found.tunnels) == (1, 1, (2, 3))


def test_two_sites_that_one_host_joins_hang_on_it() -> None:
    found = shape_of(
        5,
        Links(
            (
                ("host1", "host2"),
                ("host2", "host3"),
                ("host1", "host3"),
                ("host3", "host4"),
                ("host4", "host5"),
                ("host3", "host5"),
            )
        ),
    )

    assert (found.links_may_fail, found.hosts_may_fail) == (1, 0)
    assert found.weak_hosts == ("host3",)


def test_a_degree_bears_one_less_than_it_says() -> None:
    found = shape_of(12, Degree(4))

    assert (found.links_may_fail, found.hosts_may_fail) == (3, 3)


def test_healing_is_what_bfd_takes_and_what_was_measured_of_the_tree() -> None:
    plan = build(mesh_of(4, fabric=replace(TREE, topology=Ring(), bfd=Bfd(interval_ms=50, multiplier=4))))

    assert [(term.least, term.most) for term in resilience(plan).healing] == [(200, 200), (0, 200)]
    assert resilience(plan).healing_ms == (200, 400)


def test_stp_heals_when_its_timers_have_run_and_bfd_helps_it_nothing() -> None:
    assert shape_of(4, Ring(), Forwarding.STP).healing_ms == (30_000, 50_000)


def test_nothing_heals_where_there_is_one_way_only() -> None:
    assert shape_of(4, Star()).healing == ()
