import networkx as nx
import pytest

from dockmesh.errors import UsageError
from dockmesh.model.mesh import Degree, FullMesh, Links, Ring, Sites, Star, Topology
from dockmesh.plan.graph import depths, neighbours, path
from dockmesh.plan.topology import links
from dockmesh.plan.tree import choose_roots, roots, tree_links
from dockmesh.plan.types import Link
from tests.support.meshes import addresses

CHAIN = Links(tuple((f"host{number}", f"host{number + 1}") for number in range(1, 9)))
STAR = Links(tuple(("host5", f"host{number}") for number in (1, 2, 3, 4, 6, 7, 8, 9)))
SHAPES: list[tuple[int, Topology]] = [
    (2, FullMesh()),
    (9, FullMesh()),
    (9, CHAIN),
    (9, STAR),
    (9, Ring()),
    (9, Star("host5")),
    (9, Sites((("one", ("host2", "host4", "host6")), ("two", ("host1", "host3", "host5", "host7", "host8", "host9"))))),
    *((count, Degree(k)) for count in (5, 12, 33) for k in (2, 3, 4)),
]


def names(count: int) -> list[str]:
    return [f"host{number}" for number in range(1, count + 1)]


def depths_of(graph: "nx.Graph[str]", start: str) -> dict[str, int]:
    return dict(nx.single_source_shortest_path_length(graph, start))


def oracle(found: tuple[Link, ...]) -> "nx.Graph[str]":
    return nx.Graph([(link.a, link.b) for link in found])


@pytest.mark.parametrize(("count", "topology"), SHAPES)
def test_depths_are_those_that_networkx_finds(count: int, topology: Topology) -> None:
    hosts, found = names(count), links(addresses(count), topology)

    for start in hosts:
        assert depths(neighbours(hosts, found), start) == depths_of(oracle(found), start)


@pytest.mark.parametrize(("count", "topology"), SHAPES)
def test_a_path_is_a_shortest_one(count: int, topology: Topology) -> None:
    hosts, found = names(count), links(addresses(count), topology)

    way = path(neighbours(hosts, found), hosts[0], hosts[-1])

    assert nx.is_path(oracle(found), way)
    assert len(way) == len(nx.shortest_path(oracle(found), hosts[0], hosts[-1]))


@pytest.mark.parametrize(("count", "topology"), SHAPES)
def test_the_tree_holds_all_hosts_at_their_shortest_distance_from_the_root(count: int, topology: Topology) -> None:
    hosts, found = names(count), links(addresses(count), topology)
    root, backup = choose_roots(hosts, found)

    tree = oracle(tree_links(hosts, found, root, backup))

    assert nx.is_tree(tree)
    assert set(tree) == set(hosts)
    assert depths_of(tree, root) == depths_of(oracle(found), root)


@pytest.mark.parametrize("shape", [CHAIN, STAR])
def test_the_root_of_a_tree_is_its_centre(shape: Links) -> None:
    found = links(addresses(9), shape)

    root, _ = choose_roots(names(9), found)

    assert root in nx.center(oracle(found))


@pytest.mark.parametrize(("count", "topology"), SHAPES)
def test_the_backup_root_is_a_peer_of_the_root(count: int, topology: Topology) -> None:
    found = links(addresses(count), topology)

    root, backup = choose_roots(names(count), found)

    assert backup in oracle(found).neighbors(root)


def test_the_first_host_is_root_where_all_are_alike() -> None:
    assert choose_roots(names(5), links(addresses(5), FullMesh())) == ("host1", "host2")


def test_a_host_between_root_and_others_goes_by_the_backup_where_two_ways_are_equal() -> None:
    # host4 reaches host1 by host2 and by host3; host3 has more links, so it is the backup.
    found = links(
        addresses(5),
        Links((("host1", "host2"), ("host1", "host3"), ("host2", "host4"), ("host3", "host4"), ("host3", "host5"))),
    )

    tree = tree_links(names(5), found, "host1", "host3")

    assert Link("host3", "host4") in tree
    assert Link("host2", "host4") not in tree


def chain(count: int) -> tuple[Link, ...]:
    return links(addresses(count), Links(tuple(zip(names(count), names(count)[1:], strict=False))))


def test_a_spanning_tree_reaches_nineteen_hops() -> None:
    root, backup = choose_roots(names(39), chain(39))

    assert len(tree_links(names(39), chain(39), root, backup)) == 38


def test_a_chain_too_long_for_a_spanning_tree_is_refused_by_name() -> None:
    root, backup = choose_roots(names(40), chain(40))

    with pytest.raises(UsageError, match="host40 is 20 hops from host20, the root; a spanning tree reaches 19"):
        tree_links(names(40), chain(40), root, backup)


@pytest.mark.parametrize("topology", [FullMesh(), Ring(), Star(), Degree(3), Degree(4)])
def test_the_first_host_stays_root_however_the_mesh_grows(topology: Topology) -> None:
    found = {roots(names(count), links(addresses(count), topology), topology) for count in range(5, 20)}

    assert found == {("host1", "host2")}


def test_the_root_is_in_the_middle_of_a_star_and_the_lowest_of_the_others_takes_over() -> None:
    assert roots(names(5), links(addresses(5), Star("host3")), Star("host3")) == ("host3", "host1")


def test_the_root_of_sites_is_one_that_holds_links_between_them_and_so_is_its_deputy() -> None:
    both, alone = (("one", ("host4", "host2")), ("two", ("host1", "host3"))), (("one", ("host4",)), ("two", ("host1",)))

    assert roots(names(4), (), Sites(both)) == ("host4", "host2")
    assert roots(names(4), (), Sites(alone)) == ("host4", "host1")
