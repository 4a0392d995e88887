"""Links that cannot be, as neither end knows where the other is."""

from dataclasses import replace
from ipaddress import ip_address

import pytest

from dockmesh.errors import UsageError
from dockmesh.model.encryption import Encryption, HostEndpoint
from dockmesh.model.mesh import Fabric, Forwarding, Links, Mesh, Ring, Topology
from dockmesh.plan.build import build
from dockmesh.plan.types import Link
from tests.support.meshes import mesh_of

FAR = HostEndpoint(ip_address("203.0.113.7"), 51821)


def with_endpoints(count: int, fabric: Fabric | None = None, **endpoints: HostEndpoint) -> Mesh:
    mesh = mesh_of(count, fabric=fabric or Fabric(encryption=Encryption()))
    return replace(mesh, hosts=tuple(replace(host, endpoint=endpoints.get(host.name)) for host in mesh.hosts))


@pytest.mark.parametrize("forwarding", Forwarding)
def test_two_dynamic_hosts_have_no_link_of_their_own_and_all_others_do(forwarding: Forwarding) -> None:
    fabric = Fabric(encryption=Encryption(), forwarding=forwarding)

    plan = build(with_endpoints(4, fabric, host1=HostEndpoint(), host3=HostEndpoint(), host4=FAR))

    assert plan.left_out == (Link("host1", "host3"),)
    assert len(plan.links) == 5
    assert [end.peer for end in plan.host("host1").tunnels] == ["host2", "host4"]


def test_frames_between_them_go_by_a_third_host() -> None:
    plan = build(with_endpoints(3, host1=HostEndpoint(), host3=HostEndpoint()))

    first = [each.choices for each in plan.host("host1").forwards if each.destination == "host3"]
    then = [each.choices for each in plan.host("host2").forwards if each.destination == "host3"]
    assert (first[0], then[0]) == (("host2",), ("host3",))


def test_an_end_says_where_the_peer_is_found() -> None:
    plan = build(with_endpoints(3, host1=HostEndpoint(), host2=FAR))

    at = {end.peer: (str(end.encrypted_to), end.underlay) for end in plan.host("host3").tunnels}
    assert at == {"host1": ("dynamic", None), "host2": ("203.0.113.7:51821", FAR.address)}


@pytest.mark.parametrize(
    ("topology", "lost"),
    [
        (Links((("host1", "host2"), ("host2", "host3"))), "host3"),
        (Ring(), None),
    ],
)
def test_a_mesh_that_would_be_in_parts_is_refused(topology: Topology, lost: str | None) -> None:
    fabric = Fabric(encryption=Encryption(), topology=topology)
    mesh = with_endpoints(3, fabric, host2=HostEndpoint(), host3=HostEndpoint())

    if lost is None:
        assert build(mesh).left_out == (Link("host2", "host3"),)
    else:
        with pytest.raises(UsageError, match=f"nothing leads to {lost}"):
            build(mesh)


def test_of_hosts_that_nobody_finds_there_is_no_mesh() -> None:
    with pytest.raises(UsageError, match="nothing leads to host2"):
        build(with_endpoints(2, host1=HostEndpoint(), host2=HostEndpoint()))
