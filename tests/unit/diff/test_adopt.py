from dataclasses import replace

from dockmesh.diff.adopt import adopt
from dockmesh.model.mesh import Mesh
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan
from tests.support.fake_host import FakeHost, applied, bare
from tests.support.fake_ovs import Bridge, Port
from tests.support.meshes import TREE, mesh_of, with_underlay, without
from tests.support.plans import config_of


def plan_of(mesh: Mesh, host: str = "host1") -> HostPlan:
    return build(mesh).host(host)


def ports(plan: HostPlan, host: FakeHost) -> dict[str, str]:
    return {tunnel.peer: tunnel.port for tunnel in adopt(plan, host.facts()).tunnels}


def test_a_bare_host_keeps_the_names_of_the_plan() -> None:
    mesh = mesh_of(3)

    assert ports(plan_of(mesh), bare(config_of(mesh))) == {"host2": "gre1", "host3": "gre2"}


def test_a_living_port_keeps_its_name_when_an_earlier_peer_leaves() -> None:
    host = applied(config_of(mesh_of(4)))

    assert ports(plan_of(without(mesh_of(4), "host2")), host) == {"host3": "gre2", "host4": "gre3"}


def test_a_new_peer_gets_a_free_name() -> None:
    host = applied(config_of(without(mesh_of(4), "host2")))

    assert ports(plan_of(mesh_of(4)), host) == {"host3": "gre1", "host4": "gre2", "host2": "gre3"}


def test_a_tunnel_of_another_kind_is_no_port_of_the_new_one() -> None:
    host = applied(config_of(mesh_of(3)))

    vxlan = mesh_of(3, fabric=replace(TREE, tunnel=Tunnel.VXLAN))

    assert ports(plan_of(vxlan), host) == {"host2": "vxlan1", "host3": "vxlan2"}


def test_a_tunnel_that_was_made_another_kind_by_hand_keeps_its_name() -> None:
    host = applied(config_of(mesh_of(3)))
    assert host.ovs is not None
    host.ovs.bridges["br0"].ports["gre1"].interface["type"] = "vxlan"

    assert ports(plan_of(mesh_of(3)), host) == {"host2": "gre1", "host3": "gre2"}


def test_a_port_follows_its_peer_to_another_underlay_address() -> None:
    host = applied(config_of(mesh_of(3)))

    moved = with_underlay(mesh_of(3), host2="10.77.9.9")

    assert ports(plan_of(moved), host) == {"host2": "gre1", "host3": "gre2"}


def test_a_host_that_takes_over_anothers_underlay_address_shares_no_port_with_it() -> None:
    host = applied(config_of(mesh_of(3)))

    moved = with_underlay(mesh_of(3), host2="10.77.9.9", host3="10.77.0.2")

    assert ports(plan_of(moved), host) == {"host3": "gre1", "host2": "gre3"}


def test_a_name_that_another_bridge_has_is_not_taken() -> None:
    host = bare(config_of(mesh_of(3)))
    host.answer_with_ovs({"br-int": Bridge(ports={"br-int": Port(), "gre1": Port()})})

    assert ports(plan_of(mesh_of(3)), host) == {"host2": "gre2", "host3": "gre3"}
