"""Several networks under `direct`: each keeps to itself, and docker0's rules are what they are without them."""

from itertools import permutations

import pytest

from dockmesh.model.mesh import Fabric, Forwarding, Mesh, Ring
from dockmesh.plan.build import build
from dockmesh.plan.types import HostNetwork, HostPlan
from dockmesh.render.flows import TAGGED, bundle
from dockmesh.render.openflow import Counts
from tests.support.meshes import mesh_of, with_network
from tests.support.openflow import Frame, frame_of
from tests.support.walker import (
    FlowMesh,
    always_ends,
    container,
    ipv6,
    is_at,
    never_doubles,
    ping,
    to_all,
    walk,
    who_has,
)

DIRECT = Fabric(forwarding=Forwarding.DIRECT)


def three_networks(fabric: Fabric = DIRECT) -> Mesh:
    """docker0, blue on all of four hosts, and green on two."""
    mesh = with_network(mesh_of(4, fabric=fabric))
    return with_network(mesh, "green", "10.81.0.0/16", vlan=30, hosts=("host1", "host3"))


MESH = FlowMesh(build(three_networks()))
ONE, TWO, THREE, FOUR = MESH.plan.hosts


def allocation(host: HostPlan, network: str) -> HostNetwork:
    found = host.on(network)
    assert found is not None
    return found


def arrives(frame: Frame, host: HostPlan, network: str, mesh: FlowMesh = MESH) -> list[tuple[str, Frame]]:
    start = mesh.sent(host.name, frame, allocation(host, network).port)
    assert always_ends(start)
    assert never_doubles(start)
    return sorted(walk(start)[0])


def at(frame: Frame, network: str, *hosts: HostPlan) -> list[tuple[str, Frame]]:
    """The frame as it comes out at these hosts in that network, and nowhere else."""
    out = {each: allocation(each, network).port or 0 for each in hosts}
    return [(each.name, frame_of(**dict(frame), out_port=out[each])) for each in hosts]


def counted(frame: Frame, host: HostPlan, network: str) -> Counts:
    start = MESH.sent(host.name, frame, allocation(host, network).port)
    assert (start.sends, start.delivered) == ((), ())
    return start.counts


@pytest.mark.parametrize("network", ["docker0", "blue", "green"])
def test_every_pair_of_a_network_reaches_each_other_in_it(network: str) -> None:
    for (one, here), (other, there) in permutations(MESH.plan.allocations(network), 2):
        frame = ping(container(here), container(there))

        assert arrives(frame, one, network) == at(frame, network, other)


def test_a_network_on_two_hosts_goes_through_those_that_are_not_on_it() -> None:
    mesh = FlowMesh(build(three_networks(Fabric(forwarding=Forwarding.DIRECT, topology=Ring()))))
    frame = ping(container(allocation(ONE, "green")), container(allocation(THREE, "green")))

    assert arrives(frame, ONE, "green", mesh) == at(frame, "green", THREE)
    start = mesh.sent("host1", frame, allocation(ONE, "green").port)
    assert walk(start, mesh.dead(("host1", "host2")))[0] == at(frame, "green", THREE)


@pytest.mark.parametrize("network", ["docker0", "blue", "green"])
def test_what_is_for_all_comes_to_the_hosts_of_its_network_and_to_no_other(network: str) -> None:
    others = [host for host, _ in MESH.plan.allocations(network) if host is not ONE]
    source = container(allocation(ONE, network))

    for frame in (to_all(source), to_all(source, "224.0.0.251"), who_has(source, source)):
        assert arrives(frame, ONE, network) == at(frame, network, *others)


def test_a_request_and_its_answer_find_each_other_in_a_tagged_network() -> None:
    here, there = container(allocation(ONE, "blue")), container(allocation(TWO, "blue"))

    assert arrives(who_has(here, there), ONE, "blue") == at(who_has(here, there), "blue", TWO)
    assert arrives(is_at(there, here), TWO, "blue") == at(is_at(there, here), "blue", ONE)


def test_link_local_addresses_find_each_other_in_a_tagged_network() -> None:
    frame = ipv6("fe80::42:1", "fe80::42:2")

    (arrived,) = arrives(frame, ONE, "green")
    assert (arrived[0], dict(arrived[1])["out_port"]) == ("host3", allocation(THREE, "green").port)


@pytest.mark.parametrize(("own", "other"), list(permutations(["docker0", "blue", "green"], 2)))
def test_nothing_goes_from_one_network_to_another(own: str, other: str) -> None:
    here, strange = container(allocation(ONE, own)), container(allocation(THREE, other))

    assert counted(ping(here, strange), ONE, own) is Counts.NO_HOST
    assert counted(who_has(here, strange), ONE, own) is Counts.NO_HOST
    # With an address of the other network's, though it is this host's own there.
    assert counted(ping(container(allocation(ONE, other)), strange), ONE, own) is Counts.SPOOFED


@pytest.mark.parametrize("network", ["docker0", "blue", "green"])
def test_an_address_of_another_host_is_nobody_elses(network: str) -> None:
    theirs = allocation(THREE, network)

    for source in (container(theirs), theirs.address.ip):
        assert counted(ping(source, container(allocation(ONE, network))), ONE, network) is Counts.SPOOFED
        assert counted(who_has(source, source), ONE, network) is Counts.SPOOFED
        assert counted(is_at(source, container(theirs)), ONE, network) is Counts.SPOOFED


@pytest.mark.parametrize("network", ["docker0", "blue", "green"])
@pytest.mark.parametrize(("kind", "counts"), [(133, Counts.PASSED), (134, Counts.SPOOFED), (137, Counts.SPOOFED)])
def test_no_container_is_a_router_or_asks_for_one(network: str, kind: int, counts: Counts) -> None:
    for source in ("fe80::42:1", "::"):
        assert counted(ipv6(source, "ff02::1", nw_proto=58, icmp_type=kind), ONE, network) is counts


@pytest.mark.parametrize("network", ["docker0", "blue", "green"])
@pytest.mark.parametrize("tag", [0x1000, 0x1014, 0x101E])
def test_a_container_that_puts_a_tag_on_its_frames_is_heard_by_nobody(network: str, tag: int) -> None:
    frame = ping(container(allocation(ONE, network)), container(allocation(THREE, network)))

    assert counted(frame_of(**dict(frame), vlan_tci=tag), ONE, network) is Counts.OTHER


def test_a_tag_in_a_tunnel_that_does_not_fit_the_addresses_is_dropped() -> None:
    """As from a host that was taken over, or is of another plan."""
    blue, docker0 = (
        ping(container(allocation(ONE, each)), container(allocation(TWO, each))) for each in ("blue", "docker0")
    )

    for frame in (
        frame_of(**dict(blue), vlan_tci=0x101E),
        frame_of(**dict(blue), vlan_tci=0x1000),
        blue,
        frame_of(**dict(docker0), vlan_tci=0x1014),
    ):
        assert MESH.switches["host2"].receive(ONE.number, frame) == ((), Counts.NO_HOST)


def test_a_copy_for_a_network_that_a_host_is_not_on_ends_there() -> None:
    frame = to_all(container(allocation(ONE, "green")))
    tag = 0x0F6D << 32 | ONE.number << 16 | TWO.number

    sent = MESH.switches["host2"].receive(ONE.number, frame_of(**{**dict(frame), "eth_dst": tag, "vlan_tci": 0x101E}))

    assert sent == ((), Counts.NO_HOST)


def test_the_rules_of_docker0_are_the_same_with_and_without_other_networks() -> None:
    alone = build(mesh_of(4, fabric=DIRECT))
    for host in MESH.plan.hosts:
        with_others = {_words(line) for line in bundle(MESH.plan, host).splitlines()}

        assert {_words(line) for line in bundle(alone, alone.host(host.name)).splitlines()} <= with_others


def test_a_network_that_goes_takes_its_own_rules_along_and_no_others() -> None:
    before = build(three_networks())
    after = build(with_network(mesh_of(4, fabric=DIRECT)))
    for host in after.hosts:
        lines = {_words(line) for line in bundle(before, before.host(host.name)).splitlines()}
        gone = lines - {_words(line) for line in bundle(after, host).splitlines()}

        assert gone
        assert all("dl_vlan=30" in line or str(before.hosts[0].further[1].port) in line for line in gone), gone
        assert not any(TAGGED in line and "in_port" not in line for line in gone)


def _words(line: str) -> str:
    """Without the cookie, which is another for each text."""
    return line if "flow add" not in line and "flow delete" not in line else line.partition(",")[2]
