"""Tunnels inside an encryption: where they end, and how much they carry."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from dockmesh.model.encryption import Encryption
from dockmesh.model.mesh import Fabric
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.build import build
from tests.support.meshes import KERNEL, mesh_of, without

ENCRYPTED = replace(KERNEL, encryption=Encryption())


def test_tunnels_end_at_addresses_inside_and_the_packets_go_to_the_underlay() -> None:
    host1, host2, _ = build(mesh_of(3, fabric=ENCRYPTED)).hosts
    end = host1.tunnels[0]

    assert (host1.inside, host2.inside) == (IPv4Address("198.18.42.1"), IPv4Address("198.18.42.2"))
    assert (end.remote, end.underlay) == (host2.inside, host2.underlay)
    assert end.device is not None
    assert (end.device.local, end.device.remote) == (host1.inside, host2.inside)
    assert host1.tunnels_from == host1.inside


def test_in_clear_there_is_nothing_inside() -> None:
    host1, host2, _ = build(mesh_of(3, fabric=KERNEL)).hosts

    assert host1.inside is None
    assert host1.tunnels[0].remote == host1.tunnels[0].underlay == host2.underlay
    assert host1.tunnels_from == host1.underlay


def test_a_host_that_goes_moves_nobody() -> None:
    mesh = mesh_of(4, fabric=ENCRYPTED)
    before, after = build(mesh), build(without(mesh, "host1"))

    assert {host.name: host.inside for host in after.hosts}.items() <= {
        host.name: host.inside for host in before.hosts
    }.items()


@pytest.mark.parametrize(
    ("tunnel", "underlay", "mtu"),
    [
        (Tunnel.GRE, "10.77.0.0", 1402),
        (Tunnel.VXLAN, "10.77.0.0", 1390),
        (Tunnel.GENEVE, "10.77.0.0", 1390),
        (Tunnel.GRE, "2001:db8::", 1382),
        (Tunnel.VXLAN, "2001:db8::", 1370),
    ],
)
def test_what_is_left_for_a_packet(tunnel: Tunnel, underlay: str, mtu: int) -> None:
    """As measured: 1402 with GRE, 1390 with VXLAN, over IPv4."""
    plan = build(mesh_of(2, fabric=Fabric(tunnel=tunnel, encryption=Encryption()), underlay=underlay))

    assert plan.mtu == mtu
    assert ("WireGuard header and tag", 32) in plan.mtu_sum.parts
