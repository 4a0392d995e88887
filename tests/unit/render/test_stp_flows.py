"""The guard beside a spanning tree: what a container may send, and what of it is dropped."""

from ipaddress import ip_address

import pytest

from dockmesh.model.mesh import Fabric, Forwarding
from dockmesh.plan.build import build
from dockmesh.plan.types import HostNetwork
from dockmesh.render.openflow import Counts
from dockmesh.render.stp_flows import bundle
from tests.support.meshes import mesh_of, with_network
from tests.support.openflow import LOCAL, Frame, Switch, frame_of
from tests.support.walker import container, ipv6, is_at, mac, ping, to_all, who_has

PLAN = build(with_network(mesh_of(3)))
ONE, TWO, _ = PLAN.hosts
SWITCH = Switch(bundle(PLAN, ONE))
NETWORKS = ("docker0", "blue")
# In fd00:80::/64 those of the first host's containers, and one of the link.
OWN6 = ("fd00:80:0:0:1::", "fd00:80:0:0:1::5", "fe80::42:1")


def allocations(network: str) -> tuple[HostNetwork, HostNetwork]:
    here, there = ONE.on(network), TWO.on(network)
    assert here is not None
    assert there is not None
    return here, there


def passes(network: str, frame: Frame) -> bool:
    sent, _ = SWITCH.receive(allocations(network)[0].port or LOCAL, frame)
    return [each.frame for each in sent] == [frame]


def counted(network: str, frame: Frame) -> Counts:
    sent, kind = SWITCH.receive(allocations(network)[0].port or LOCAL, frame)
    assert sent == ()
    return Counts(kind)


@pytest.mark.parametrize("network", NETWORKS)
def test_what_is_from_here_goes_as_the_tree_says(network: str) -> None:
    here, there = allocations(network)
    own, gateway = container(here), here.address.ip

    for frame in (
        ping(own, container(there)),
        ping(gateway, container(there)),
        who_has(own, container(there)),
        is_at(own, container(there)),
        to_all(own),
        ipv6("fe80::42:1", "ff02::fb"),
    ):
        assert passes(network, frame)


@pytest.mark.parametrize("network", NETWORKS)
def test_who_has_no_address_yet_may_ask_for_one(network: str) -> None:
    probe = frame_of(eth_src=0x024200000001, eth_dst=0xFFFFFFFFFFFF, eth_type=0x0806, arp_op=1, arp_tpa=0xAC112A01)
    dhcp = frame_of(
        eth_src=0x024200000001,
        eth_dst=0xFFFFFFFFFFFF,
        eth_type=0x0800,
        nw_proto=17,
        nw_dst=0xFFFFFFFF,
        tp_src=68,
        tp_dst=67,
    )

    for frame in (probe, dhcp, ipv6("::", "ff02::1:ff42:1", nw_proto=58, icmp_type=135)):
        assert passes(network, frame)


@pytest.mark.parametrize("network", NETWORKS)
def test_nobody_here_is_another_hosts_container_or_gateway(network: str) -> None:
    here, there = allocations(network)

    for theirs in (container(there), there.address.ip):
        for frame in (ping(theirs, container(here)), who_has(theirs, theirs), is_at(theirs, container(here))):
            assert counted(network, frame) is Counts.SPOOFED
        with_its_mac = frame_of(**{**dict(ping(container(here), container(there))), "eth_src": mac(theirs)})
        assert counted(network, with_its_mac) is Counts.SPOOFED
    assert counted(network, ipv6("fd00::7", "ff02::fb")) is Counts.SPOOFED


@pytest.mark.parametrize("network", NETWORKS)
def test_no_frame_has_a_tag_when_it_comes_from_a_container(network: str) -> None:
    here, there = allocations(network)

    for tag in (0x1000, 0x1014, 0x1015):
        frame = frame_of(**dict(ping(container(here), container(there))), vlan_tci=tag)
        assert counted(network, frame) is Counts.OTHER


def advertisement(source: str, target: str) -> Frame:
    """A neighbour's."""
    return ipv6(source, "ff02::1", nw_proto=58, icmp_type=136, nd_target=int(ip_address(target)))


def test_a_host_says_of_its_own_addresses_alone_whose_they_are() -> None:
    plan = build(with_network(mesh_of(3), prefix6="fd00:80::/64"))
    switch = Switch(bundle(plan, plan.hosts[0]))
    blue = plan.hosts[0].networks[1]

    def kind(frame: Frame) -> int:
        return switch.receive(blue.port or LOCAL, frame)[1]

    own = [(source, target) for source in OWN6 for target in OWN6]
    theirs = [(source, target) for source in OWN6 for target in ("fd00:80::2", "fd00:80:0:0:2::5", "fd00:80::77")]
    forged = [("fd00:80::2", "fd00:80::2"), ("fd00:80:0:0:2::5", "fd00:80:0:0:1::5")]
    assert {kind(advertisement(*each)) for each in own} == {Counts.PASSED}
    assert {kind(advertisement(*each)) for each in (*theirs, *forged)} == {Counts.SPOOFED}
    assert {kind(ipv6(source, "ff02::1")) for source in OWN6} == {Counts.PASSED}
    assert {kind(ipv6(source, "ff02::1")) for source, _ in forged} == {Counts.SPOOFED}


@pytest.mark.parametrize("prefix6", ["fd00:80::/64", None])
@pytest.mark.parametrize(("kind", "counts"), [(133, Counts.PASSED), (134, Counts.SPOOFED), (137, Counts.SPOOFED)])
def test_nobody_here_is_a_router_or_asks_for_one(kind: int, counts: Counts, prefix6: str | None) -> None:
    plan = build(with_network(mesh_of(3), prefix6=prefix6))
    switch = Switch(bundle(plan, plan.hosts[0]))

    for network in plan.hosts[0].networks:
        for source in (*OWN6, "::", "fd00:80::2"):
            frame = ipv6(source, "ff02::1", nw_proto=58, icmp_type=kind)
            assert switch.receive(network.port or LOCAL, frame) == ((), counts)


def test_an_address_of_the_other_network_is_not_the_hosts_own_here() -> None:
    docker0, blue = (allocations(network)[0] for network in NETWORKS)

    assert counted("docker0", ping(container(blue), container(docker0))) is Counts.SPOOFED
    assert counted("blue", ping(container(docker0), container(blue))) is Counts.SPOOFED


def test_what_comes_from_tunnels_is_let_alone() -> None:
    _, there = allocations("docker0")
    frame = ping(container(there), container(ONE))

    assert [each.frame for each in SWITCH.receive(1, frame)[0]] == [frame]


def test_the_way_of_forwarding_is_no_matter_of_the_guard() -> None:
    rstp, stp = (
        build(mesh_of(3, fabric=Fabric(forwarding=forwarding))) for forwarding in (Forwarding.RSTP, Forwarding.STP)
    )

    assert bundle(rstp, rstp.hosts[0]) == bundle(stp, stp.hosts[0])
