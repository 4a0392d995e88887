"""Several networks in one mesh: what each host has of each, and what its frames may be."""

from dataclasses import replace
from ipaddress import IPv4Interface, IPv4Network

from dockmesh.model.mesh import Fabric
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.build import build
from tests.support.meshes import mesh_of, moved, with_network

TWO = build(with_network(mesh_of(3)))
BLUE = [allocation for _, allocation in TWO.allocations("blue")]


def test_docker0_is_the_first_network_of_every_host_and_has_no_tag() -> None:
    assert [[each.name for each in host.networks] for host in TWO.hosts] == [["docker0", "blue"]] * 3
    assert [host.docker0.vlan for host in TWO.hosts] == [None] * 3
    assert [host.docker0.port for host in TWO.hosts] == [None] * 3


def test_another_network_changes_nothing_of_docker0() -> None:
    assert [host.docker0 for host in TWO.hosts] == [host.docker0 for host in build(mesh_of(3)).hosts]


def test_each_host_has_an_address_and_a_pool_of_its_own_in_each_network() -> None:
    assert [allocation.address for allocation in BLUE] == [
        IPv4Interface(f"10.80.42.{number}/16") for number in (1, 2, 3)
    ]
    assert [allocation.pool for allocation in BLUE] == [IPv4Network(f"10.80.{third}.0/18") for third in (64, 128, 192)]
    assert [allocation.prefix for allocation in BLUE] == [IPv4Network("10.80.0.0/16")] * 3


def test_bridges_are_named_after_the_network_and_their_mac_addresses_made_of_its_addresses() -> None:
    one = BLUE[0]

    assert (one.bridge, one.switch) == ("dm-blue", "dmv-blue")
    assert (one.bridge_mac, one.switch_mac) == ("02:42:0a:50:2a:01", "0e:6d:0a:50:2a:01")


def test_the_tag_of_a_frame_takes_four_bytes_of_every_network_but_docker0() -> None:
    assert [(allocation.name, allocation.mtu) for allocation in TWO.hosts[0].networks] == [
        ("docker0", 1462),
        ("blue", 1458),
    ]


def test_a_key_and_a_tag_are_both_taken_off() -> None:
    vxlan = build(with_network(mesh_of(3, fabric=Fabric(tunnel=Tunnel.GRE, key=7))))

    assert [allocation.mtu for allocation in vxlan.hosts[0].networks] == [1458, 1454]


def test_a_host_that_is_not_on_a_network_has_nothing_of_it() -> None:
    plan = build(with_network(mesh_of(3), hosts=("host1", "host3")))

    assert [host.name for host, _ in plan.allocations("blue")] == ["host1", "host3"]
    assert plan.host("host2").on("blue") is None


def test_the_port_to_a_network_has_one_number_on_all_hosts_and_none_that_leads_to_a_host() -> None:
    plan = build(with_network(with_network(mesh_of(3)), "green", "10.81.0.0/16", vlan=30))
    ports = {(allocation.name, allocation.port) for host in plan.hosts for allocation in host.further}

    assert len(ports) == 2
    assert not {port for _, port in ports} & {host.number for host in plan.hosts}


def test_a_host_whose_number_is_that_of_a_port_keeps_it() -> None:
    mesh = mesh_of(3)
    taken = build(with_network(mesh)).hosts[0].further[0].port
    assert taken is not None
    # In a prefix of 65,536 addresses a host's number is its place in it.
    prefix = IPv4Network("172.17.0.0/16")
    grown = with_network(mesh)
    one, *rest = grown.hosts
    at_it = replace(grown, hosts=(moved(one, prefix[taken]), *rest))

    plan = build(at_it)

    assert plan.host("host1").number == taken
    assert plan.host("host1").further[0].port == taken - 1
