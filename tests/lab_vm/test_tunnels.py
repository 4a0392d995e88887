"""Each kind of tunnel on a real kernel: the planned MTU is what passes, and not a byte more."""

import pytest

from tests.lab.mesh import Mesh
from tests.lab_vm.conftest import switch

TUNNELS = {"gre": 1462, "vxlan": 1450, "geneve": 1450}
IP_AND_ICMP = 28


@pytest.fixture(scope="module", params=TUNNELS)
def tunnel(mesh: Mesh, request: pytest.FixtureRequest) -> str:
    """The living mesh, switched from the kind before."""
    return switch(mesh, "tunnel", request.param)


def passes(mesh: Mesh, size: int) -> bool:
    """Whether a packet of this size gets from a container to another host's, unfragmented, if it may be so big there.

    Asked from a container's side of the bridge: the host itself is told of what is too big, a container is not.
    """
    inside = "nsenter --net=/proc/$(docker inspect --format '{{.State.Pid}}' web)/ns/net"
    target = mesh.container_address("host2")
    ping = f"ping -c 3 -W 3 -M do -s {size - IP_AND_ICMP} {target}"
    return mesh.ssh("host1", f"{inside} ip link set eth0 mtu {size} && {inside} {ping}").code == 0


def test_the_planned_mtu_passes_between_containers_and_no_byte_more(mesh: Mesh, tunnel: str) -> None:
    assert mesh.plan()["mtu"] == TUNNELS[tunnel]
    assert passes(mesh, TUNNELS[tunnel])
    assert not passes(mesh, TUNNELS[tunnel] + 1)


def test_verify_passes(mesh: Mesh, tunnel: str) -> None:
    mesh.assert_proven()
