"""Which form of a mesh `init` writes, by what the hosts said."""

from ipaddress import IPv4Address

import pytest

from dockmesh.cli.work.init import _fabric
from dockmesh.cli.work.new_hosts import Found
from dockmesh.model.mesh import Datapath
from dockmesh.model.tunnel import Tunnel


def found(*, kernel_datapath: bool = False, in_bridge: bool = False, makes_vxlan: bool = True) -> Found:
    return Found(IPv4Address("192.0.2.1"), 1500, kernel_datapath, in_bridge, makes_vxlan)


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
    fabric = _fabric(hosts)

    assert (fabric.datapath, fabric.kernel_devices) == (datapath, kernel)
    assert fabric.tunnel is (Tunnel.VXLAN if kernel else Tunnel.GRE)
