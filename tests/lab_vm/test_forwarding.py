"""Each way of forwarding on a real kernel: a link is cut, a host dies, and one frame for all arrives once."""

import pytest

from tests.lab.copies import copies
from tests.lab.mesh import Mesh
from tests.lab_vm.conftest import switch, wait_for_tunnels


@pytest.fixture(scope="module", params=("stp", "rstp", "direct"))
def forwarding(mesh: Mesh, request: pytest.FixtureRequest) -> str:
    """The living mesh, switched from the way before: never between stp and direct at once, which is refused."""
    return switch(mesh, "forwarding", request.param)


def test_second_apply_touches_nothing(mesh: Mesh, forwarding: str) -> None:
    assert not mesh.apply()["changed"]


def test_what_is_for_all_arrives_once_at_each_host(mesh: Mesh, forwarding: str) -> None:
    with copies(mesh, "host1", ("host2", "host3")) as found:
        found.wait_for(20)

    assert found.most == 1


def test_a_cut_link_is_gone_round(mesh: Mesh, forwarding: str) -> None:
    wait_for_tunnels(mesh)
    mesh.lab("cut", "host1", "host2")

    mesh.wait_for_containers()
    mesh.lab("heal")
    wait_for_tunnels(mesh)
    mesh.wait_for_containers()


def test_a_host_comes_back_from_a_reboot(mesh: Mesh, forwarding: str) -> None:
    mesh.lab("reboot", "host1")

    mesh.wait_for_containers()
    assert not mesh.apply()["changed"]
