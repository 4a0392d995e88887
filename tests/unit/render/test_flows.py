"""What becomes of each kind of frame. The walker reads the text that hosts install."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Network

import pytest

from dockmesh.model.mesh import Fabric, Forwarding, FullMesh, Ring, Topology
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.render.flows import bundle, tag
from dockmesh.render.openflow import Counts, counts_of
from tests.support.meshes import mesh_of
from tests.support.openflow import Frame, frame_of
from tests.support.walker import (
    BROADCAST,
    FlowMesh,
    always_ends,
    container,
    ipv6,
    is_at,
    mac,
    never_doubles,
    ping,
    to_all,
    walk,
    who_has,
    with_ipv6,
    with_prefixes,
)

FE80, OTHERS_FE80 = "fe80::42:1", "fe80::42:2"


def planned(count: int = 3, topology: Topology | None = None) -> Plan:
    return with_ipv6(
        build(mesh_of(count, fabric=Fabric(forwarding=Forwarding.DIRECT, topology=topology or FullMesh())))
    )


MESH = FlowMesh(planned())
ONE, TWO, THREE = MESH.plan.hosts


def arrives(frame: Frame, host: HostPlan = ONE, mesh: FlowMesh = MESH) -> list[tuple[str, Frame]]:
    start = mesh.sent(host.name, frame)
    assert always_ends(start)
    assert never_doubles(start)
    return sorted(walk(start)[0])


def unchanged(frame: Frame, *hosts: HostPlan) -> list[tuple[str, Frame]]:
    return [(host.name, frame) for host in hosts]


def counted(frame: Frame, host: HostPlan = ONE) -> Counts:
    """Why a host drops a frame at once."""
    start = MESH.sent(host.name, frame)
    assert (start.sends, start.delivered) == ((), ())
    return start.counts


@pytest.mark.parametrize(
    "frame",
    [
        ping(container(ONE), container(TWO)),
        ping(ONE.address.ip, TWO.address.ip),
        ping(ONE.address.ip, container(TWO)),
        is_at(container(ONE), container(TWO)),
        ipv6("fd00:1::7", "fd00:2::7"),
    ],
)
def test_what_is_for_one_host_comes_to_it_unchanged(frame: Frame) -> None:
    assert arrives(frame) == unchanged(frame, TWO)


def test_nobody_learns_mac_addresses_so_they_may_change_and_move() -> None:
    before = ping(container(ONE), container(TWO))
    after = frame_of(**{**dict(before), "eth_src": 0x0242_0000_0001, "eth_dst": 0x7EAB_0000_0002})

    assert arrives(before) == unchanged(before, TWO)
    assert arrives(after) == unchanged(after, TWO)


def test_every_prefix_of_a_host_leads_to_it() -> None:
    plan = planned()
    pools = (*ONE.docker0.prefixes, IPv4Network("10.9.0.0/24"), IPv6Network("fd00:9::/64"))
    mesh = FlowMesh(replace(plan, hosts=(with_prefixes(ONE, *pools), *plan.hosts[1:])))
    there, back = ping(IPv4Address("10.9.0.7"), container(TWO)), ping(container(TWO), IPv4Address("10.9.0.7"))

    assert arrives(there, ONE, mesh) == unchanged(there, TWO)
    assert arrives(back, TWO, mesh) == unchanged(back, ONE)
    assert arrives(ipv6("fd00:2::7", "fd00:9::7"), TWO, mesh) == unchanged(ipv6("fd00:2::7", "fd00:9::7"), ONE)


def test_a_request_of_arp_comes_to_the_host_of_the_address_and_as_a_broadcast() -> None:
    frame = who_has(container(ONE), container(THREE))

    assert arrives(frame) == unchanged(frame, THREE)


def test_a_solicitation_of_a_neighbour_comes_to_its_host_and_as_the_multicast_it_was() -> None:
    frame = ipv6(
        "fd00:1::7", "ff02::1:ff00:7", nw_proto=58, icmp_type=135, nd_target=int(IPv6Network("fd00:3::7/128")[0])
    )

    assert arrives(frame) == unchanged(frame, THREE)


@pytest.mark.parametrize(
    "frame",
    [
        to_all(container(ONE)),
        to_all(container(ONE), "172.17.255.255"),
        to_all(container(ONE), "224.0.0.251"),
        to_all(container(ONE), "239.255.255.250"),
        # Gratuitous, in both forms; and whether somebody has my address (RFC 5227).
        who_has(container(ONE), container(ONE)),
        who_has(IPv4Address(0), container(ONE)),
        ipv6(FE80, "ff02::fb"),
        ipv6("fd00:1::7", "ff02::1"),
        # Duplicate address detection, of a link-local address and of another.
        ipv6("::", "ff02::1:ff42:1", nw_proto=58, icmp_type=135, nd_target=int(IPv6Network(f"{FE80}/128")[0])),
        ipv6("::", "ff02::1:ff00:7", nw_proto=58, icmp_type=135, nd_target=int(IPv6Network("fd00:1::7/128")[0])),
    ],
)
def test_what_is_for_all_comes_once_to_each_and_unchanged(frame: Frame) -> None:
    assert arrives(frame) == unchanged(frame, TWO, THREE)


def test_dhcp_may_ask_without_an_address() -> None:
    frame = frame_of(
        eth_src=mac(container(ONE)),
        eth_dst=BROADCAST,
        eth_type=0x0800,
        nw_dst=0xFFFFFFFF,
        nw_proto=17,
        tp_src=68,
        tp_dst=67,
    )

    assert arrives(frame) == unchanged(frame, TWO, THREE)


@pytest.mark.parametrize(
    "frame",
    [
        ipv6(FE80, OTHERS_FE80),
        ipv6("fd00:1::7", OTHERS_FE80),
        # The answer to a probe, for whom no address says where it is.
        is_at(container(ONE), IPv4Address(0)),
    ],
)
def test_to_a_machine_that_no_address_names_each_host_gets_a_copy_and_it_goes_by_the_mac_address(frame: Frame) -> None:
    first, second = arrives(frame)

    assert [first[0], second[0]] == ["host2", "host3"]
    for _, got in (first, second):
        assert {**dict(got), "eth_src": 0} == {**dict(frame), "eth_src": 0}
        assert not dict(got)["eth_src"] >> 40 & 1


def test_a_link_local_source_reaches_the_host_of_the_address() -> None:
    ((host, got),) = arrives(ipv6(FE80, "fd00:2::7"))

    assert host == "host2"
    assert dict(got)["ipv6_dst"] == int(IPv6Network("fd00:2::7/128")[0])


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (ping(container(TWO), container(THREE)), Counts.SPOOFED),
        (ping(IPv4Address("8.8.8.8"), container(TWO)), Counts.SPOOFED),
        (who_has(container(TWO), container(THREE)), Counts.SPOOFED),
        (is_at(TWO.address.ip, container(THREE)), Counts.SPOOFED),
        (ipv6("fd00:2::7", "fd00:3::7"), Counts.SPOOFED),
        (ping(container(ONE), IPv4Address("172.17.0.9")), Counts.NO_HOST),
        (ping(container(ONE), IPv4Address("8.8.8.8")), Counts.NO_HOST),
        (who_has(container(ONE), IPv4Address("172.17.0.9")), Counts.NO_HOST),
        (ipv6("fd00:1::7", "fd00:9::7"), Counts.NO_HOST),
        (
            ipv6(
                "fd00:1::7",
                "ff02::1:ff00:7",
                nw_proto=58,
                icmp_type=135,
                nd_target=int(IPv6Network("fd00:9::7/128")[0]),
            ),
            Counts.NO_HOST,
        ),
        (frame_of(eth_src=1 << 41, eth_dst=BROADCAST, eth_type=0x88B5), Counts.OTHER),
        (frame_of(**dict(ping(container(ONE), container(TWO))), vlan_tci=0x1005), Counts.OTHER),
        # docker0 floods to br0, too, what it does not know.
        (ping(container(ONE), ONE.pool[99]), Counts.OWN),
    ],
)
def test_what_is_dropped_is_counted_by_why(frame: Frame, why: Counts) -> None:
    assert counted(frame) is why


def test_what_comes_from_a_tunnel_from_nobody_is_dropped() -> None:
    frame = ping(IPv4Address("8.8.8.8"), container(ONE))

    sent, kind = MESH.switches["host1"].receive(TWO.number, frame)

    assert (sent, kind) == ((), Counts.UNKNOWN_SOURCE)


def test_what_comes_from_a_strange_port_is_dropped() -> None:
    sent, kind = MESH.switches["host1"].receive(7, ping(container(TWO), container(ONE)))

    assert (sent, kind) == ((), Counts.STRANGE_PORT)


def test_where_all_is_dead_the_frame_is_counted_or_tried_at_last_on_the_direct_link() -> None:
    mesh = FlowMesh(planned(4, Ring()))
    one, two, three, _ = mesh.plan.hosts

    to_peer = mesh.sent("host1", ping(container(one), container(two)))
    to_far = mesh.sent("host1", ping(container(one), container(three)))

    # BFD calls all dead, as just after a restart, and the links are not.
    everything = sum(mesh.bits.values())
    assert walk(to_peer, seen={"host1": everything})[0] != []
    assert walk(to_far, seen=dict.fromkeys(["host1", "host2", "host4"], everything))[0] != []
    assert walk(to_far, dead=everything)[0] == []


def test_every_pool_and_address_of_a_host_is_its_own() -> None:
    # host1's address is not in its pool.
    assert [str(prefix) for prefix in ONE.docker0.prefixes] == ["172.17.42.1/32", "172.17.64.0/18", "fd00:1::/64"]


def test_the_text_is_the_same_for_the_same_plan() -> None:
    first, again = planned(5), planned(5)

    assert [bundle(first, host) for host in first.hosts] == [bundle(again, host) for host in again.hosts]


def test_a_text_deletes_the_flows_of_every_other_and_none_of_its_own() -> None:
    texts = [bundle(plan, plan.host("host1")) for plan in (planned(3), planned(4), planned(4, Ring()))]

    for text in texts:
        for other in (cookie_of(each) for each in texts):
            deleted = any(other & mask == value for value, mask in deletions(text))
            assert deleted == (other != cookie_of(text))
        # What has no cookie, as the flow that a bridge makes for itself, goes too.
        assert any(mask & 0 == value for value, mask in deletions(text))


def cookie_of(text: str) -> int:
    """What the cookies of a text's flows have in common: the low 8 bits are 0."""
    return int(text.split("cookie=", 1)[1].split(",", 1)[0], 16) & ~0xFF


def deletions(text: str) -> list[tuple[int, int]]:
    words = [line.removeprefix("flow delete cookie=") for line in text.splitlines() if line.startswith("flow delete")]
    return [(int(value, 16), int(mask, 16)) for value, mask in (each.split("/") for each in words)]


def test_a_cookie_says_what_is_counted() -> None:
    base = cookie_of(bundle(MESH.plan, ONE))

    assert base & 0xFF == 0
    assert counts_of(base | 4) is Counts.NO_HOST
    assert counts_of(base | 99) is None


def test_a_group_that_is_the_same_has_the_same_number_in_another_plan() -> None:
    before, after = (
        {line for line in bundle(plan, plan.hosts[0]).splitlines() if line.startswith("group")}
        for plan in (planned(9), planned(10))
    )

    numbers = {line.split(",")[0]: line for line in before}
    assert all(numbers.get(line.split(",")[0], line) == line for line in after)
    assert before & after


def test_tags_are_group_addresses_that_say_source_and_destination() -> None:
    assert tag(10753, 10755) == "0f:6d:2a:01:2a:03"
