from itertools import combinations

import networkx as nx
import pytest

from dockmesh.model import Degree, FullMesh, Links
from dockmesh.plan.topology import links
from dockmesh.plan.types import Link


def names(count: int) -> list[str]:
    return [f"host{number}" for number in range(1, count + 1)]


def graph(count: int, k: int) -> "nx.Graph[str]":
    return nx.Graph([(link.a, link.b) for link in links(names(count), Degree(k))])


def test_full_mesh_links_every_pair_once() -> None:
    found = links(names(5), FullMesh())

    assert [(link.a, link.b) for link in found] == list(combinations(names(5), 2))


def test_given_links_stand_in_the_order_of_the_hosts() -> None:
    found = links(names(3), Links((("host3", "host1"), ("host2", "host1"))))

    assert found == (Link("host1", "host2"), Link("host1", "host3"))


def test_the_order_of_ten_hosts_is_that_of_their_addresses_and_not_of_their_names() -> None:
    found = links(names(10), Links((("host10", "host2"), ("host9", "host10"))))

    assert found == (Link("host2", "host10"), Link("host9", "host10"))


@pytest.mark.parametrize("k", range(2, 9))
def test_a_graph_of_degree_k_survives_the_loss_of_any_hosts_below_k(k: int) -> None:
    for count in (*range(k + 1, 21), 27, 32, 33, 45, 60):
        assert nx.node_connectivity(graph(count, k)) == k, f"{count} hosts of degree {k}"


@pytest.mark.parametrize("k", range(2, 9))
def test_nobody_has_more_links_than_told_but_one_where_the_count_is_odd(k: int) -> None:
    for count in range(k + 1, 61):
        degrees = [degree for _, degree in graph(count, k).degree]

        assert sum(degrees) == count * k + (count * k) % 2
        assert max(degrees) <= k + (count * k) % 2


@pytest.mark.parametrize("count", range(3, 13))
def test_the_highest_degree_is_the_full_mesh(count: int) -> None:
    assert links(names(count), Degree(count - 1)) == links(names(count), FullMesh())


def test_a_thousand_hosts_of_degree_eight_are_a_few_hops_apart() -> None:
    depths = nx.single_source_shortest_path_length(graph(1000, 8), "host1")

    assert len(depths) == 1000
    assert max(depths.values()) <= 9
