from dockmesh.model.mesh import Degree, Fabric, Forwarding, FullMesh, Ring, Star, Topology
from dockmesh.plan.build import build
from dockmesh.plan.simulate import Simulation
from dockmesh.plan.types import Forward, Plan
from tests.support.meshes import mesh_of


def planned(count: int, topology: Topology) -> Plan:
    return build(mesh_of(count, fabric=Fabric(topology=topology, forwarding=Forwarding.DIRECT)))


def test_a_ring_is_tried_the_short_way_round_and_then_the_other() -> None:
    plan = planned(5, Ring())

    first, back = (
        each for each in plan.host("host1").forwards if (each.source, each.destination) == ("host1", "host2")
    )
    assert first == Forward(None, "host1", "host2", ("host2", "host5"), "host2")
    assert back == Forward("host5", "host1", "host2", (), "host2")


def test_in_a_full_mesh_every_pair_is_one_hop_apart() -> None:
    assert set(Simulation(planned(7, FullMesh())).hops()) == {1}


def test_the_middle_of_a_star_passes_on_whatever_bfd_says_for_there_is_no_other_way() -> None:
    forwards = planned(4, Star("host1")).host("host1").forwards

    passed = [each for each in forwards if each.source != "host1"]
    assert len(passed) == 6
    assert all((each.choices, each.resort) == ((each.destination,), each.destination) for each in passed)


def test_any_one_host_of_a_degree_may_die() -> None:
    simulation = Simulation(planned(12, Degree(4)))

    assert simulation.weak_hosts() == ()
