from dataclasses import replace

from dockmesh.model.mesh import Fabric, Forwarding, Links
from dockmesh.plan.build import build
from dockmesh.plan.effect import effect
from tests.support.meshes import TREE, mesh_of, without

FOUR = mesh_of(4, prefix="11.0.0.0/8", fabric=TREE)


def test_a_host_more_is_one_tunnel_more_on_each_of_the_others_and_nothing_else() -> None:
    found = effect(build(without(FOUR, "host4")), build(FOUR))

    assert found.more == (("host1", ("host4",)), ("host2", ("host4",)), ("host3", ("host4",)))
    assert (found.fewer, found.docker_restarts, found.bridge_recreated) == ((), (), ())


def test_the_root_may_leave_a_full_mesh_and_no_bridge_is_made_anew() -> None:
    found = effect(build(FOUR), build(without(FOUR, "host1")))

    assert found.root == ("host1", "host2")
    assert found.bridge_recreated == ()


def test_a_host_with_a_smaller_mtu_restarts_docker_everywhere() -> None:
    *others, last = FOUR.hosts
    narrow = replace(FOUR, hosts=(*others, replace(last, underlay_mtu=1400)))

    found = effect(build(without(FOUR, "host4")), build(narrow))

    assert found.docker_restarts == ("host1", "host2", "host3")
    assert found.mtu == (1462, 1362)


def test_a_chain_that_grows_moves_its_root_and_says_whose_bridge_is_made_anew() -> None:
    pairs = tuple((f"host{number}", f"host{number + 1}") for number in range(1, 6))
    before = mesh_of(4, fabric=replace(TREE, topology=Links(pairs[:3])))
    after = mesh_of(6, fabric=replace(TREE, topology=Links(pairs)))

    found = effect(build(before), build(after))

    assert found.root == ("host2", "host3")
    assert set(found.bridge_recreated) >= {"host2", "host3"}


def test_another_spanning_tree_makes_every_bridge_anew() -> None:
    other = replace(FOUR, fabric=Fabric(forwarding=Forwarding.STP))

    assert effect(build(FOUR), build(other)).bridge_recreated == ("host1", "host2", "host3", "host4")
