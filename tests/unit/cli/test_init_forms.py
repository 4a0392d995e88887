"""Which form of a mesh `init` writes, by what the hosts said."""

from ipaddress import IPv4Address

import pytest

from dockmesh.cli.work.init import _fabric
from dockmesh.cli.work.new_hosts import Found
from dockmesh.model.encryption import EncryptionChoice
from dockmesh.model.mesh import Datapath
from dockmesh.model.tunnel import Tunnel

PRIVATE, PUBLIC = IPv4Address("10.0.0.1"), IPv4Address("9.9.9.9")


def found(
    *, kernel_datapath: bool = False, in_bridge: bool = False, makes_vxlan: bool = True, underlay: IPv4Address = PRIVATE
) -> Found:
    return Found(underlay, 1500, kernel_datapath, in_bridge, makes_vxlan)


@pytest.mark.parametrize(
    ("hosts", "datapath", "kernel"),
    [
        ([found(kernel_datapath=True)] * 2, Datapath.SYSTEM, False),
        ([found()] * 2, Datapath.NETDEV, True),
        ([found(in_bridge=True)] * 2, Datapath.NETDEV, False),
        ([found(in_bridge=True), found()], Datapath.NETDEV, True),
        ([found(kernel_datapath=True), found()], Datapath.NETDEV, True),
        ([found(), found(makes_vxlan=False)], Datapath.NETDEV, False),
    ],
)
def test_tunnels_are_the_kernels_where_open_vswitch_could_send_none(
    hosts: list[Found], datapath: Datapath, kernel: bool
) -> None:
    fabric = _fabric(hosts, EncryptionChoice.OFF)

    assert (fabric.datapath, fabric.kernel_devices) == (datapath, kernel)
    assert fabric.tunnel is (Tunnel.VXLAN if kernel else Tunnel.GRE)


@pytest.mark.parametrize(
    ("host", "asked", "encrypted", "kernel"),
    [
        (found(kernel_datapath=True), None, False, False),
        (found(kernel_datapath=True, underlay=PUBLIC), None, True, False),
        (found(kernel_datapath=True, underlay=PUBLIC), EncryptionChoice.OFF, False, False),
        (found(kernel_datapath=True), EncryptionChoice.WIREGUARD, True, False),
        (found(in_bridge=True), EncryptionChoice.WIREGUARD, True, True),
        (found(in_bridge=True), EncryptionChoice.OFF, False, False),
    ],
)
def test_what_goes_over_public_addresses_is_encrypted_and_else_what_was_asked_for(
    host: Found, asked: EncryptionChoice | None, *, encrypted: bool, kernel: bool
) -> None:
    fabric = _fabric([host] * 2, asked)

    assert (fabric.encryption is not None, fabric.kernel_devices) == (encrypted, kernel)
