from dataclasses import replace

import pytest

from dockmesh.model.mesh import Fabric, Links, Mesh
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.build import build
from dockmesh.plan.tree import BACKUP, OTHERS, ROOT
from tests.support.meshes import TREE, mesh_of
from tests.support.plans import tree_of


def with_mtus(*mtus: int) -> Mesh:
    mesh = mesh_of(len(mtus))
    hosts = (replace(host, underlay_mtu=mtu) for host, mtu in zip(mesh.hosts, mtus, strict=True))
    return replace(mesh, hosts=tuple(hosts))


@pytest.mark.parametrize(("underlay", "overlay"), [(1500, 1462), (1400, 1362), (9000, 8962), (1318, 1280)])
def test_the_overlays_mtu_is_the_underlays_less_its_headers(underlay: int, overlay: int) -> None:
    assert build(with_mtus(underlay, underlay)).mtu == overlay


def test_the_mtu_sum_names_each_term() -> None:
    assert build(mesh_of(2)).mtu_sum.lines() == (
        "  1500  underlay MTU",
        "   −20  outer IPv4 header",
        "    −4  GRE header",
        "   −14  inner Ethernet header",
        "  1462  overlay MTU",
    )


@pytest.mark.parametrize(
    ("fabric", "mtu"),
    [
        (Fabric(tunnel=Tunnel.GRE, key=1), 1458),
        (Fabric(tunnel=Tunnel.VXLAN), 1450),
        (Fabric(tunnel=Tunnel.VXLAN, key=1), 1450),
        (Fabric(tunnel=Tunnel.GENEVE), 1450),
        (Fabric(tunnel=Tunnel.GENEVE, key=1), 1450),
    ],
    ids=lambda each: f"{each.tunnel}-{each.key}" if isinstance(each, Fabric) else None,
)
def test_each_kind_of_tunnel_takes_its_own_headers(fabric: Fabric, mtu: int) -> None:
    assert build(mesh_of(2, fabric=fabric)).mtu == mtu


@pytest.mark.parametrize(
    ("fabric", "mtu"),
    [
        (Fabric(), 1442),
        (Fabric(key=1), 1438),
        (Fabric(tunnel=Tunnel.VXLAN), 1430),
        (Fabric(tunnel=Tunnel.GENEVE, key=1), 1430),
    ],
    ids=lambda each: f"{each.tunnel}-{each.key}" if isinstance(each, Fabric) else None,
)
def test_an_ipv6_underlay_takes_twenty_bytes_more(fabric: Fabric, mtu: int) -> None:
    assert build(mesh_of(2, fabric=fabric, underlay="fd77::")).mtu == mtu


def test_a_key_and_udp_are_terms_of_the_sum() -> None:
    names = [
        [name for name, _ in build(mesh_of(2, fabric=fabric)).mtu_sum.parts[1:-1]]
        for fabric in (Fabric(key=1), Fabric(tunnel=Tunnel.VXLAN), Fabric(tunnel=Tunnel.GENEVE))
    ]

    assert names == [["GRE header", "GRE key"], ["UDP header", "VXLAN header"], ["UDP header", "Geneve header"]]


def test_the_narrowest_underlay_counts_for_all_and_is_named() -> None:
    plan = build(with_mtus(1500, 1400, 9000, 1400))

    assert plan.mtu == 1362
    assert plan.narrowest == ("host2", "host4")


def test_nobody_is_narrowest_where_all_are_alike() -> None:
    assert build(with_mtus(1400, 1400)).narrowest == ()


def test_tunnels_are_numbered_from_one_in_the_order_of_the_peers_addresses() -> None:
    tunnels = build(mesh_of(3)).host("host2").tunnels

    assert [(end.port, end.peer, str(end.remote)) for end in tunnels] == [
        ("gre1", "host1", "10.77.0.1"),
        ("gre2", "host3", "10.77.0.3"),
    ]


def test_a_link_has_an_end_on_both_hosts_and_on_no_other() -> None:
    mesh = mesh_of(3, fabric=Fabric(topology=Links((("host1", "host2"), ("host2", "host3")))))

    peers = {host.name: [end.peer for end in host.tunnels] for host in build(mesh).hosts}

    assert peers == {
        "host1": ["host2"],
        "host2": ["host1", "host3"],
        "host3": ["host2"],
    }


def test_nobody_has_a_priority_where_the_first_host_is_the_root() -> None:
    plan = build(mesh_of(4, fabric=TREE))

    assert (tree_of(plan).root, tree_of(plan).backup_root) == ("host1", "host2")
    assert [host.tree_priority for host in plan.hosts] == [OTHERS] * 4


def test_root_and_backup_in_the_middle_have_the_low_priorities() -> None:
    chain = Links((("host1", "host2"), ("host2", "host3"), ("host3", "host4")))

    priorities = [host.tree_priority for host in build(mesh_of(4, fabric=replace(TREE, topology=chain))).hosts]

    assert priorities == [OTHERS, ROOT, BACKUP, OTHERS]


def test_a_pool_of_the_guide_holds_sixteen_thousand_containers() -> None:
    # 172.17.192.0/18 ends with the broadcast address of the prefix.
    assert [host.docker0.containers for host in build(mesh_of(3)).hosts] == [16384, 16384, 16383]


def test_mac_addresses_are_made_of_the_bridge_address() -> None:
    host = build(mesh_of(3)).host("host1")

    assert (host.docker0.bridge_mac, host.docker0.switch_mac) == ("02:42:ac:11:2a:01", "0e:6d:ac:11:2a:01")
