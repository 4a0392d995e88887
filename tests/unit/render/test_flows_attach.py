"""What becomes of frames to and from machines behind an attached interface. The walker reads what hosts install."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from dockmesh.model.mesh import Fabric, Forwarding
from dockmesh.model.network import Attachment
from dockmesh.plan.build import build
from dockmesh.plan.types import HostAttachment, HostNetwork, HostPlan
from dockmesh.render import stp_flows
from dockmesh.render.openflow import Counts
from tests.support.meshes import mesh_of, with_attachment, with_network
from tests.support.openflow import LOCAL, Frame, Switch, frame_of
from tests.support.walker import FlowMesh, always_ends, container, ipv6, is_at, mac, ping, to_all, walk, who_has

# One of docker0 at host1, of the rest of its prefix; one of blue at host2, of a part that it names.
MESH_FILE = with_attachment(with_network(mesh_of(3, fabric=Fabric(forwarding=Forwarding.DIRECT))), "docker0")
PART = IPv4Network("10.80.0.0/20")
PLAN = build(with_attachment(MESH_FILE, "blue", Attachment("host2", "eth1", 30, PART)))
MESH = FlowMesh(PLAN)
AT = {"docker0": "host1", "blue": "host2"}
OUTSIDE = {"docker0": IPv4Address("172.17.3.3"), "blue": IPv4Address("10.80.3.3")}
OTHER = {"docker0": IPv4Address("172.17.3.4"), "blue": IPv4Address("10.80.3.4")}
NETWORKS = tuple(AT)

TREE = build(with_attachment(with_attachment(with_network(mesh_of(3)), "docker0"), attach=Attachment("host2", "eth1")))


def allocation(host: HostPlan | str, network: str) -> HostNetwork:
    plan = PLAN.host(host) if isinstance(host, str) else host
    found = plan.on(network)
    assert found is not None
    return found


def attached(network: str) -> HostAttachment:
    found = allocation(AT[network], network).attach
    assert found is not None
    return found


def others(network: str) -> list[str]:
    return [host.name for host in PLAN.hosts if host.name != AT[network]]


Arrived = list[tuple[str, str]]


def arrives(frame: Frame, network: str, host: str, *, from_outside: bool = False) -> Arrived:
    """At which hosts it arrives as it was sent, and whether at containers ("in") or behind the interface ("out")."""
    port = attached(network).port if from_outside else allocation(host, network).port
    start = MESH.sent(host, frame, port)
    assert always_ends(start)
    found = []
    for name, each in walk(start)[0]:
        fields = dict(each)
        out = fields.pop("out_port", LOCAL)
        assert frame_of(**fields) == frame
        outside = name == AT[network] and out == attached(network).port
        assert outside or out == (allocation(name, network).port or LOCAL), "in another network"
        found.append((name, "out" if outside else "in"))
    return sorted(found)


def dropped(frame: Frame, network: str) -> Counts:
    start = MESH.sent(AT[network], frame, attached(network).port)
    assert (start.sends, start.delivered) == ((), ())
    return start.counts


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("host", ["host1", "host2", "host3"])
def test_the_outside_and_containers_of_every_host_reach_each_other(network: str, host: str) -> None:
    out, own = OUTSIDE[network], container(allocation(host, network))

    for frame in (ping(out, own), is_at(out, own), ping(out, allocation(host, network).address.ip)):
        assert arrives(frame, network, AT[network], from_outside=True) == [(host, "in")]
    for frame in (ping(own, out), is_at(own, out), ping(allocation(host, network).address.ip, out)):
        assert arrives(frame, network, host) == [(AT[network], "out")]


@pytest.mark.parametrize("network", NETWORKS)
def test_who_asks_for_an_address_out_there_asks_there_and_nowhere_else(network: str) -> None:
    at = AT[network]
    for host in ("host1", "host2", "host3"):
        found = arrives(who_has(container(allocation(host, network)), OUTSIDE[network]), network, host)
        # On a host that is asked from another one its own containers hear it as well.
        assert found == ([(at, "out")] if host == at else [(at, "in"), (at, "out")])


@pytest.mark.parametrize("network", NETWORKS)
def test_who_asks_from_there_asks_the_host_of_the_address(network: str) -> None:
    for host in ("host1", "host2", "host3"):
        frame = who_has(OUTSIDE[network], container(allocation(host, network)))
        found = arrives(frame, network, AT[network], from_outside=True)
        assert [each for each in found if each[0] == host] == [(host, "in")]
        assert {each[0] for each in found} <= {host, AT[network]}


@pytest.mark.parametrize("network", NETWORKS)
def test_what_is_for_all_comes_once_to_each_host_and_once_out(network: str) -> None:
    everywhere = [(host.name, "in") for host in PLAN.hosts]
    at = AT[network]
    for target in ("255.255.255.255", "224.0.0.251"):
        for host in PLAN.hosts:
            found = arrives(to_all(container(allocation(host, network)), target), network, host.name)
            assert found == sorted({*everywhere, (at, "out")} - {(host.name, "in")})
        assert arrives(to_all(OUTSIDE[network], target), network, at, from_outside=True) == everywhere
    told = who_has(OUTSIDE[network], OUTSIDE[network])
    assert arrives(told, network, at, from_outside=True) == everywhere


@pytest.mark.parametrize("network", NETWORKS)
def test_what_machines_out_there_say_to_each_other_stays_there(network: str) -> None:
    frame = ping(OUTSIDE[network], OTHER[network])

    assert arrives(frame, network, AT[network], from_outside=True) == []


@pytest.mark.parametrize("network", NETWORKS)
def test_what_went_out_and_comes_in_again_ends_and_is_counted(network: str) -> None:
    for host in PLAN.hosts:
        own = container(allocation(host, network))
        for frame in (to_all(own), who_has(own, OUTSIDE[network]), who_has(own, own), ping(own, OUTSIDE[network])):
            assert dropped(frame, network) is Counts.LOOPED
            random_mac = frame_of(**{**dict(frame), "eth_src": 0x06AA_0000_0001})
            assert dropped(random_mac, network) is Counts.LOOPED
        gateway = allocation(host, network).address.ip
        assert dropped(who_has(gateway, gateway), network) is Counts.LOOPED
        in_its_name = frame_of(**{**dict(to_all(OUTSIDE[network])), "eth_src": mac(own)})
        assert dropped(in_its_name, network) is Counts.LOOPED


@pytest.mark.parametrize("network", NETWORKS)
def test_nothing_else_comes_in(network: str) -> None:
    own = container(allocation(AT[network], network))
    tagged = frame_of(**dict(ping(OUTSIDE[network], own)), vlan_tci=0x1014)
    for frame in (
        ping(IPv4Address("192.0.2.1"), own),
        ping(OUTSIDE[network], IPv4Address("192.0.2.1")),
        ping(OUTSIDE[network], allocation("host3", "blue" if network == "docker0" else "docker0").address.ip),
        ipv6("fe80::1", "ff02::fb"),
        frame_of(eth_src=1, eth_dst=0xFFFFFFFFFFFF, eth_type=0x88CC),
        tagged,
    ):
        assert dropped(frame, network) is Counts.OUTSIDE


def test_where_a_part_is_named_the_rest_of_the_prefix_is_nobodys() -> None:
    own = container(allocation("host3", "blue"))

    assert dropped(ping(IPv4Address("10.80.20.1"), own), "blue") is Counts.OUTSIDE
    assert arrives(ping(own, IPv4Address("10.80.20.1")), "blue", "host3") == []


@pytest.mark.parametrize("network", NETWORKS)
def test_no_container_takes_an_address_out_there(network: str) -> None:
    for host in PLAN.hosts:
        own = container(allocation(host, network))
        assert arrives(ping(OUTSIDE[network], own), network, host.name) == []
        assert arrives(who_has(OUTSIDE[network], OUTSIDE[network]), network, host.name) == []


@pytest.mark.parametrize("network", NETWORKS)
def test_beside_a_tree_the_same_passes_and_the_same_does_not(network: str) -> None:
    host = TREE.host(AT[network])
    switch = Switch(stp_flows.bundle(TREE, host))
    attach, own = allocation(host, network).attach, container(allocation("host3", network))
    assert attach is not None
    out = OUTSIDE[network]

    for frame in (ping(out, own), who_has(out, own), to_all(out), to_all(out, "224.0.0.251"), is_at(out, own)):
        assert [each.frame for each in switch.receive(attach.port, frame)[0]] == [frame]
    for frame, why in (
        (ping(own, out), Counts.LOOPED),
        (who_has(own, own), Counts.LOOPED),
        (ping(out, IPv4Address("192.0.2.1")), Counts.OUTSIDE),
        (ipv6("fe80::1", "ff02::fb"), Counts.OUTSIDE),
        (frame_of(eth_src=1, eth_dst=0x0180C2000000), Counts.OUTSIDE),
        (frame_of(**dict(ping(out, own)), vlan_tci=0x1014), Counts.OUTSIDE),
    ):
        assert switch.receive(attach.port, frame) == ((), why)


OFFERS, ASKS = {"tp_src": 67, "tp_dst": 68}, {"tp_src": 68, "tp_dst": 67}
FROM_NOBODY = IPv4Address("0.0.0.0")  # noqa: S104 — an address of nobody


@pytest.mark.parametrize("network", NETWORKS)
def test_no_container_gives_machines_out_there_addresses_or_takes_theirs(network: str) -> None:
    for host in PLAN.hosts:
        own = container(allocation(host, network))
        for source, ports in ((own, OFFERS), (own, ASKS), (FROM_NOBODY, ASKS)):
            frame = frame_of(**{**dict(to_all(source)), "eth_src": mac(own)}, **ports)
            assert arrives(frame, network, host.name) == []
            tree = TREE.host(host.name)
            assert Switch(stp_flows.bundle(TREE, tree)).receive(allocation(tree, network).port or LOCAL, frame)[0] == ()
    asked = frame_of(**{**dict(to_all(FROM_NOBODY)), "eth_src": mac(OUTSIDE[network])}, **ASKS)
    assert dropped(asked, network) is Counts.OUTSIDE


def test_where_it_is_asked_for_dhcp_passes_both_ways() -> None:
    attach = Attachment("host2", "eth1", dhcp=True)
    plan = build(with_attachment(with_network(mesh_of(3, fabric=Fabric(forwarding=Forwarding.DIRECT))), "blue", attach))
    mesh, own = FlowMesh(plan), container(allocation(plan.host("host1"), "blue"))
    port = allocation(plan.host("host2"), "blue").attach
    assert port is not None

    asked = frame_of(**{**dict(to_all(FROM_NOBODY)), "eth_src": mac(OUTSIDE["blue"])}, **ASKS)
    offered = frame_of(**dict(to_all(own)), **OFFERS)

    assert {host for host, _ in walk(mesh.sent("host2", asked, port.port))[0]} == {"host1", "host2", "host3"}
    found = walk(mesh.sent("host1", offered, allocation(plan.host("host1"), "blue").port))[0]
    assert [host for host, frame in found if dict(frame).get("out_port") == port.port] == ["host2"]


def test_without_an_attached_interface_no_container_is_a_server_of_dhcp_either() -> None:
    plan = build(mesh_of(3, fabric=Fabric(forwarding=Forwarding.DIRECT)))
    own = container(plan.hosts[0])

    start = FlowMesh(plan).sent("host1", frame_of(**dict(to_all(own)), **OFFERS))

    assert (start.sends, start.counts) == ((), Counts.SPOOFED)
