"""`forwarding: direct` while the topology changes: no loop, and a pair that keeps its link loses nothing."""

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.copies import copies
from tests.lab.mesh import Mesh, wait_until
from tests.lab.test_direct import all_pinging

HOSTS = ("host1", "host2", "host3", "host4")
# Linked in the ring, in the full mesh, and on the way from the one to the other.
ALWAYS = [
    pair for one, other in zip(HOSTS, (*HOSTS[1:], HOSTS[0]), strict=True) for pair in ((one, other), (other, one))
]


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    made = make_mesh("--prepared", hosts=len(HOSTS))
    made.edit("forwarding: rstp", "forwarding: direct")
    made.edit("topology: full-mesh", "topology: ring")
    made.apply()
    for host in HOSTS:
        made.start_container(host, "web", "--restart always")
    return made


def wait_for_all(mesh: Mesh) -> None:
    show = "ovs-vsctl --bare --columns=bfd_status find interface type=gre"
    wait_until(
        lambda: all("state=up" in line for host in HOSTS for line in mesh.on(host, show).splitlines() if line),
        "all tunnels are up",
    )
    addresses = {host: mesh.container_address(host) for host in HOSTS}
    for host in HOSTS:
        for other in HOSTS:
            if other != host:
                mesh.wait_for_ping(host, addresses[other])


@pytest.mark.parametrize(("old", "new"), [("ring", "full-mesh"), ("full-mesh", "ring")])
def test_another_topology_costs_no_pair_with_a_link_a_ping_and_makes_no_second_copy(
    mesh: Mesh, old: str, new: str
) -> None:
    wait_for_all(mesh)

    with copies(mesh, "host1", HOSTS[1:]) as found, all_pinging(mesh, HOSTS) as pings:
        mesh.edit(f"topology: {old}", f"topology: {new}")
        mesh.apply()

    assert found.most == 1
    assert sum(each.duplicates for each in pings.values()) == 0
    assert {pair: pings[pair].sent - pings[pair].answered for pair in ALWAYS} == dict.fromkeys(ALWAYS, 0)
    assert not mesh.apply()["changed"]
