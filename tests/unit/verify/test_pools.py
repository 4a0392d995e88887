"""Addresses and pools, network by network."""

from dataclasses import replace

from dockmesh.facts.types import Container, HostFacts, Place
from dockmesh.plan.build import build
from dockmesh.verify import pools
from tests.support.meshes import TREE, mesh_of, with_network
from tests.unit.verify import worlds

PLAN = build(with_network(mesh_of(3, fabric=TREE), "blue", "10.80.0.0/16"))
FIRST = PLAN.hosts[0]
BLUE = FIRST.networks[1]


def facts(name: str, *containers: Container) -> HostFacts:
    made = worlds.facts(PLAN, PLAN.host(name))
    assert made.docker is not None
    return replace(made, docker=replace(made.docker, containers=containers))


def at(name: str, *places: Place) -> Container:
    address = next((each.address for each in places if each.network == "bridge"), None)
    return Container(name, name, address, places)


def test_each_network_has_a_count_of_its_own() -> None:
    both = at("both", Place("blue", str(BLUE.pool[1])), Place("bridge", str(FIRST.pool[0])))
    other = at("other", Place("elsewhere", "192.168.0.7"), Place("blue", str(BLUE.pool[2])))

    used = pools.use(FIRST, facts("host1", both, other))

    assert [(each.network, each.used, each.total) for each in used] == [
        ("docker0", 1, FIRST.networks[0].containers),
        ("blue", 2, BLUE.containers),
    ]


def test_an_address_given_by_hand_is_seen_in_its_network_and_told_how_to_mend() -> None:
    stray = at("web", Place("blue", str(PLAN.hosts[1].networks[1].pool[5])))

    (found,) = pools.outside(FIRST, facts("host1", stray))

    assert (found.network, found.containers[0][0]) == ("blue", "web")
    assert "without `--ip`" in found.do("host1")
    # Whose pool it is in says so where verify looks.
    assert pools.outside(FIRST, facts("host1", stray), PLAN) == ()


def test_ipv6_has_a_pool_and_strays_of_its_own() -> None:
    plan = build(with_network(mesh_of(3, fabric=TREE), prefix6="fd00:80::/64"))
    mine = at("mine", Place("blue", str(BLUE.pool[1]), None, "fd00:80:0:0:1::1"))
    stray = at("web", Place("blue", str(BLUE.pool[2]), None, "fd00:80::9:0:0:5"))
    known = facts("host1", mine, stray)

    *_, six = pools.use(plan.hosts[0], known)
    (found,) = pools.outside(plan.hosts[0], known, plan)

    assert (six.network, six.used, six.total, six.shown) == ("blue", 1, 1 << 48, "pool6 of blue")
    assert found.containers == (("web", "fd00:80::9:0:0:5"),)
    assert "without `--ip6`" in found.do("host1")


def test_one_mac_in_two_networks_is_nobodys_trouble() -> None:
    red = at("red", Place("bridge", str(FIRST.pool[0]), "02:42:00:00:00:07"))
    blue = at("blue", Place("blue", str(BLUE.pool[1]), "02:42:00:00:00:07"))
    twin = at("twin", Place("blue", str(PLAN.hosts[1].networks[1].pool[1]), "02:42:00:00:00:07"))

    assert pools.alike(PLAN, {"host1": facts("host1", red, blue)}) == ()
    (found,) = pools.alike(PLAN, {"host1": facts("host1", red, blue), "host2": facts("host2", twin)})
    assert found.hosts == ("host1", "host2")
    assert set(found.owners) == {"container blue on host1", "container twin on host2"}
