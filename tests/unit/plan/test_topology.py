from itertools import combinations

import networkx as nx
import pytest

from dockmesh.model.mesh import Degree, FullMesh, Links, Ring, Sites, Star
from dockmesh.plan.topology import links
from dockmesh.plan.types import Link
from tests.support.meshes import addresses


def names(count: int) -> list[str]:
    return [f"host{number}" for number in range(1, count + 1)]


def graph(count: int, k: int) -> "nx.Graph[str]":
    return nx.Graph([(link.a, link.b) for link in links(addresses(count), Degree(k))])


def test_full_mesh_links_every_pair_once() -> None:
    found = links(addresses(5), FullMesh())

    assert [(link.a, link.b) for link in found] == list(combinations(names(5), 2))


def test_given_links_stand_in_the_order_of_the_hosts() -> None:
    found = links(addresses(3), Links((("host3", "host1"), ("host2", "host1"))))

    assert found == (Link("host1", "host2"), Link("host1", "host3"))


def test_the_order_of_ten_hosts_is_that_of_their_addresses_and_not_of_their_names() -> None:
    found = links(addresses(10), Links((("host10", "host2"), ("host9", "host10"))))

    assert found == (Link("host2", "host10"), Link("host9", "host10"))


def test_a_ring_links_each_to_the_next_and_the_last_to_the_first() -> None:
    found = links(addresses(4), Ring())

    assert [(link.a, link.b) for link in found] == [
        ("host1", "host2"),
        ("host1", "host4"),
        ("host2", "host3"),
        ("host3", "host4"),
    ]


def test_a_ring_of_two_is_one_link() -> None:
    assert links(addresses(2), Ring()) == (Link("host1", "host2"),)


def test_a_star_links_all_to_the_first_or_to_the_one_that_is_named() -> None:
    assert links(addresses(3), Star()) == (Link("host1", "host2"), Link("host1", "host3"))
    assert links(addresses(3), Star("host2")) == (Link("host1", "host2"), Link("host2", "host3"))


def test_sites_are_full_meshes_joined_by_the_first_two_of_each() -> None:
    found = links(addresses(6), Sites((("one", ("host1", "host3", "host5")), ("two", ("host6", "host4", "host2")))))

    across = [(link.a, link.b) for link in found if int(link.a[4:]) % 2 != int(link.b[4:]) % 2]
    assert across == [("host1", "host6"), ("host3", "host4")]
    assert len(found) == 3 + 3 + 2


def test_a_host_alone_in_its_site_holds_both_links() -> None:
    found = links(addresses(4), Sites((("one", ("host1",)), ("two", ("host2", "host3")), ("three", ("host4",)))))

    assert [(link.a, link.b) for link in found] == [
        ("host1", "host2"),
        ("host1", "host3"),
        ("host1", "host4"),
        ("host2", "host3"),
        ("host2", "host4"),
        ("host3", "host4"),
    ]


@pytest.mark.exhaustive
@pytest.mark.parametrize("k", range(2, 9))
def test_a_graph_of_degree_k_survives_the_loss_of_any_hosts_below_k(k: int) -> None:
    for count in (*range(k + 1, 21), 27, 33, 60):
        assert nx.node_connectivity(graph(count, k)) >= k, f"{count} hosts of degree {k}"


@pytest.mark.parametrize("k", range(2, 9))
def test_everybody_has_as_many_links_as_told_or_a_few_more(k: int) -> None:
    for count in range(k + 1, 41):
        degrees = [degree for _, degree in graph(count, k).degree]

        assert min(degrees) >= k
        assert max(degrees) <= k + 3
        assert sum(degrees) / count <= k + 1


@pytest.mark.parametrize(("k", "hops"), [(3, 5), (4, 3), (5, 3), (6, 3), (8, 2)])
def test_twenty_hosts_are_a_few_hops_apart(k: int, hops: int) -> None:
    assert nx.diameter(graph(20, k)) <= hops


@pytest.mark.parametrize("count", range(3, 13))
def test_the_highest_degree_is_the_full_mesh(count: int) -> None:
    assert links(addresses(count), Degree(count - 1)) == links(addresses(count), FullMesh())


def test_a_thousand_hosts_of_degree_eight_are_a_few_hops_apart() -> None:
    depths = nx.single_source_shortest_path_length(graph(1000, 8), "host1")

    assert len(depths) == 1000
    assert max(depths.values()) <= 9
