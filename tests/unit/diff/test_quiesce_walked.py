"""While hosts go from one plan to another, each at a time of its own: flows of two plans, walked."""

from dataclasses import replace
from ipaddress import IPv4Network
from itertools import permutations, product

import pytest

from dockmesh.diff.quiesce import without_changing
from dockmesh.model.mesh import Degree, Fabric, Forwarding, FullMesh, Mesh, Ring, Topology
from dockmesh.plan.address import assign
from dockmesh.plan.build import build
from dockmesh.plan.types import Plan
from dockmesh.render.flows import bundle
from dockmesh.render.host import render
from tests.support.fake_host import applied
from tests.support.meshes import mesh_of, moved, swapped, without
from tests.support.walker import FlowMesh, always_ends, container, ping, walk


def of(mesh: Mesh, topology: Topology) -> Plan:
    fabric = Fabric(forwarding=Forwarding.DIRECT, topology=topology)
    return build(Mesh(mesh.name, fabric, mesh.networks[:1], mesh.hosts))


WHOLE = mesh_of(5)
LESS = without(WHOLE, "host1")
CHANGES = {
    "a ring takes a host in": (of(LESS, Ring()), of(WHOLE, Ring())),
    "a full mesh takes a host in": (of(LESS, FullMesh()), of(WHOLE, FullMesh())),
    "a host leaves a degree of three": (of(WHOLE, Degree(3)), of(LESS, Degree(3))),
    "a ring becomes a full mesh": (of(WHOLE, Ring()), of(WHOLE, FullMesh())),
    "a full mesh becomes a ring": (of(WHOLE, FullMesh()), of(WHOLE, Ring())),
}


def elsewhere(mesh: Mesh, prefix: str) -> Mesh:
    """The same hosts with the addresses that another prefix gives them."""
    network = replace(mesh.docker0, prefix=IPv4Network(prefix))
    slots = assign(network.prefix, len(mesh.hosts)).slots
    hosts = (moved(host, slot.address, slot.pool) for host, slot in zip(mesh.hosts, slots, strict=True))
    return replace(mesh, networks=(network,), hosts=tuple(hosts))


# Which addresses are whose changes, and in the last two the numbers of hosts with them.
ADDRESSES = {
    "another prefix": (of(WHOLE, Ring()), of(elsewhere(WHOLE, "10.45.0.0/16"), Ring())),
    "another prefix and topology": (of(WHOLE, Ring()), of(elsewhere(WHOLE, "10.45.0.0/16"), FullMesh())),
    "a prefix around the old one": (of(WHOLE, Ring()), of(elsewhere(WHOLE, "172.16.0.0/15"), Ring())),
    "two hosts swap theirs": (of(WHOLE, Ring()), of(swapped(WHOLE), Ring())),
}


def texts(plan: Plan) -> dict[str, str]:
    return {host.name: bundle(plan, host) for host in plan.hosts}


def between(old: Plan, new: Plan) -> dict[str, str]:
    """What the hosts of the old plan have before any gets the new one."""
    kept = texts(old)
    for host in new.hosts:
        if host.name in kept:
            facts = applied(render(old, old.host(host.name))).facts()
            kept[host.name] = without_changing(render(new, host), facts) or kept[host.name]
    return kept


def circles(plan: Plan, mixed: dict[str, str]) -> bool:
    """Of the hosts that have a text: no frame comes to another."""
    mesh = FlowMesh(plan, mixed)
    pairs = permutations([host for host in plan.hosts if host.name in mixed], 2)
    return any(not always_ends(mesh.sent(a.name, ping(container(a), container(b)))) for a, b in pairs)


def mixtures(one: dict[str, str], other: dict[str, str]) -> list[dict[str, str]]:
    """Each host with the one text or the other, in every combination."""
    names = sorted({*one, *other})
    choices = [[texts[name] for texts in (one, other) if name in texts] for name in names]
    return [dict(zip(names, chosen, strict=True)) for chosen in product(*choices)]


@pytest.mark.exhaustive
@pytest.mark.parametrize("change", CHANGES)
def test_no_frame_circles_while_hosts_give_up_what_the_new_plan_does_not_have(change: str) -> None:
    old, new = CHANGES[change]

    mixed = mixtures(texts(old), between(old, new))

    assert not any(circles(old, each) for each in mixed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("change", CHANGES)
def test_no_frame_circles_while_hosts_that_gave_that_up_get_the_new_plan(change: str) -> None:
    old, new = CHANGES[change]
    everybody = max(old, new, key=lambda plan: len(plan.hosts))

    # A host that left goes on as before: nobody tells it.
    mixed = mixtures(between(old, new), texts(new))

    assert not any(circles(everybody, each) for each in mixed)


@pytest.mark.exhaustive
@pytest.mark.parametrize("change", ADDRESSES)
def test_no_frame_circles_while_addresses_become_other_hosts(change: str) -> None:
    old, new = ADDRESSES[change]

    mixed = [*mixtures(texts(old), between(old, new)), *mixtures(between(old, new), texts(new))]

    assert not any(circles(plan, each) for each in mixed for plan in (old, new))


def test_addresses_that_the_new_plan_does_not_know_stay_until_it_comes() -> None:
    """So whoever rolls back alone has all that it had."""
    old, new = ADDRESSES["another prefix"]

    assert between(old, new) == texts(old)


def test_addresses_that_become_anothers_go_before_it_comes() -> None:
    old, new = ADDRESSES["two hosts swap theirs"]
    kept = between(old, new)

    for host in old.hosts[:2]:
        assert not walk(FlowMesh(old, kept).sent("host4", ping(container(old.hosts[3]), container(host))))[0]


def test_without_that_a_frame_could_circle() -> None:
    old, new = CHANGES["a ring becomes a full mesh"]

    assert any(circles(new, each) for each in mixtures(texts(old), texts(new)))


def test_in_a_full_mesh_that_grows_every_pair_keeps_its_link_throughout() -> None:
    old, new = CHANGES["a full mesh takes a host in"]
    for mixed in (*mixtures(texts(old), between(old, new)), *mixtures(between(old, new), texts(new))):
        mesh = FlowMesh(new, mixed)
        for a, b in permutations(old.hosts, 2):
            arrived, hops = walk(mesh.sent(a.name, ping(container(a), container(b))))
            assert ([name for name, _ in arrived], hops) == ([b.name], 1)


def test_a_ring_that_grows_keeps_what_lies_away_from_the_new_host() -> None:
    old, new = of(without(mesh_of(8), "host8"), Ring()), of(mesh_of(8), Ring())
    mesh = FlowMesh(old, between(old, new))
    three, four, five = old.hosts[2:5]

    for a, b in permutations((three, four, five), 2):
        assert walk(mesh.sent(a.name, ping(container(a), container(b))))[0]
