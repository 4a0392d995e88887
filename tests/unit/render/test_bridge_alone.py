"""With the addresses of a host's bridge only that bridge sends, by the MAC address that it has and tells of."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

import pytest

from dockmesh.model.mesh import Fabric, Forwarding
from dockmesh.plan.build import build
from dockmesh.plan.types import HostNetwork
from dockmesh.render.host import flows_of
from dockmesh.render.neighbours import link_local
from dockmesh.render.openflow import Counts
from tests.support.meshes import mesh_of, with_network
from tests.support.openflow import LOCAL, Frame, Switch, frame_of
from tests.support.walker import BROADCAST, container, ipv6, is_at, mac, ping, to_all, who_has

ALL_NODES = "ff02::1"
ASKS, TELLS = 135, 136


def number(address: str) -> int:
    return int(address.replace(":", ""), 16)


class Host:
    """The first of three, with one of its networks."""

    def __init__(self, forwarding: Forwarding, network: str) -> None:
        mesh = with_network(mesh_of(3, fabric=Fabric(forwarding=forwarding)), prefix6="fd00:80::/64")
        plan = build(mesh)
        self.switch = Switch(flows_of(plan, plan.hosts[0]))
        found, other = plan.hosts[0].on(network), plan.hosts[1].on(network)
        assert found is not None
        assert other is not None
        self.allocation, self.other = found, other

    def passes(self, frame: Frame) -> bool:
        sent, kind = self.switch.receive(self.allocation.port or LOCAL, frame)
        assert bool(sent) == (kind == Counts.PASSED), "what is dropped is counted"
        return bool(sent)


@pytest.fixture(params=["docker0", "blue"])
def network(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[Forwarding.DIRECT, Forwarding.RSTP])
def host(network: str, request: pytest.FixtureRequest) -> Host:
    return Host(request.param, network)


def by(sender: int, frame: Frame, **told: int) -> Frame:
    return frame_of(**{**dict(frame), "eth_src": sender, **told})


def of_ipv4(allocation: HostNetwork, target: IPv4Address) -> Iterator[Frame]:
    own = allocation.address.ip
    yield from (who_has(own, own), who_has(own, target), is_at(own, target))
    yield frame_of(**{**dict(is_at(own, own)), "eth_dst": BROADCAST})
    yield from (ping(own, target), to_all(own))


def of_ipv6(allocation: HostNetwork) -> Iterator[str]:
    yield str(link_local(allocation.bridge_mac))
    if allocation.address6:
        yield str(allocation.address6.ip)


def test_the_bridge_itself_is_heard(host: Host) -> None:
    bridge = number(host.allocation.bridge_mac)

    for frame in of_ipv4(host.allocation, container(host.other)):
        assert host.passes(by(bridge, frame))
    for source in of_ipv6(host.allocation):
        assert host.passes(by(bridge, ipv6(source, ALL_NODES)))
        for target in of_ipv6(host.allocation):
            for told in (bridge, 0):  # the kernel leaves it out where it answers one alone
                frame = ipv6(source, ALL_NODES, nw_proto=58, icmp_type=TELLS, nd_target=int(IPv6Address(target)))
                assert host.passes(by(bridge, frame, nd_tll=told))
        for told in (bridge, 0):
            frame = ipv6(
                source, "ff02::1:ff42:1", nw_proto=58, icmp_type=ASKS, nd_target=int(IPv6Address("fe80::42:1"))
            )
            assert host.passes(by(bridge, frame, nd_sll=told))


def test_nobody_else_sends_with_its_addresses(host: Host) -> None:
    own, bridge = mac(container(host.allocation)), number(host.allocation.bridge_mac)

    for frame in of_ipv4(host.allocation, container(host.other)):
        assert not host.passes(by(own, frame))
        if "arp_spa" in dict(frame):
            # The frame's own address is as easy to forge; what others keep is the one inside.
            assert not host.passes(by(own, frame, arp_sha=own))
            assert not host.passes(by(bridge, frame, arp_sha=own))
    for source in of_ipv6(host.allocation):
        assert not host.passes(by(own, ipv6(source, ALL_NODES)))


def test_nobody_else_says_whose_its_addresses_are(host: Host) -> None:
    own, bridge = mac(container(host.allocation)), number(host.allocation.bridge_mac)
    sources = (*of_ipv6(host.allocation), "fe80::42:1", "fd00:80:0:0:1::5")

    for source in sources:
        for target in of_ipv6(host.allocation):
            frame = ipv6(source, ALL_NODES, nw_proto=58, icmp_type=TELLS, nd_target=int(IPv6Address(target)))
            for sender, told in ((own, own), (own, bridge), (own, 0), (bridge, own)):
                assert not host.passes(by(sender, frame, nd_tll=told)), (source, target)
    for source in of_ipv6(host.allocation):
        asked = ipv6(source, ALL_NODES, nw_proto=58, icmp_type=ASKS, nd_target=int(IPv6Address("fe80::42:1")))
        for sender, told in ((own, own), (own, bridge), (own, 0), (bridge, own)):
            assert not host.passes(by(sender, asked, nd_sll=told)), source


def test_nobody_here_has_the_link_local_address_of_another_hosts_bridge(host: Host) -> None:
    theirs, own = link_local(host.other.bridge_mac), mac(container(host.allocation))

    assert not host.passes(by(own, ipv6(str(theirs), ALL_NODES)))
    for source in ("fe80::42:1", str(theirs)):
        told = ipv6(source, ALL_NODES, nw_proto=58, icmp_type=TELLS, nd_target=int(theirs))
        assert not host.passes(by(own, told, nd_tll=own))
    # To ask for it is everybody's.
    asked = ipv6("fe80::42:1", "ff02::1:ff11:2a02", nw_proto=58, icmp_type=ASKS, nd_target=int(theirs))
    assert host.passes(by(own, asked, nd_sll=own))


def test_a_container_says_of_its_own_addresses_whose_they_are(host: Host) -> None:
    own = container(host.allocation)

    assert host.passes(who_has(own, host.allocation.address.ip))
    assert host.passes(is_at(own, container(host.other)))
    assert host.passes(by(mac(own), ping(own, container(host.other))))
    assert host.passes(who_has(own, own))


def test_a_link_local_address_is_made_of_the_mac_address() -> None:
    assert str(link_local("02:42:ac:11:2a:01")) == "fe80::42:acff:fe11:2a01"
