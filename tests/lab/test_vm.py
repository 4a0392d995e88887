"""The mesh on the distribution's own kernel, in small: two virtual machines. tests/lab_vm has the rest."""

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import Mesh

pytestmark = pytest.mark.usefixtures("virtual_machines")


@pytest.fixture(scope="module")
def mesh(virtual_machines: None, make_mesh: MakeMesh) -> Mesh:
    mesh = make_mesh("--vm", "--prepared", hosts=2)
    mesh.apply("--confirm-timeout", "600")
    for host in mesh.hosts:
        mesh.start_container(host, "web", "--restart always")
    return mesh


def test_the_kernel_moves_the_frames(mesh: Mesh) -> None:
    assert "datapath: system" in mesh.file.read_text()
    assert "gre" in mesh.on("host1", "lsmod")
    assert mesh.on("host1", "ovs-appctl dpctl/show").startswith("system@ovs-system")


def test_containers_of_both_hosts_ping_each_other(mesh: Mesh) -> None:
    mesh.wait_for_ping("host1", mesh.container_address("host2"))
    mesh.wait_for_ping("host2", mesh.container_address("host1"))


def test_second_apply_touches_nothing(mesh: Mesh) -> None:
    assert not mesh.apply()["changed"]


def test_a_host_comes_back_from_a_reboot_by_itself(mesh: Mesh) -> None:
    mesh.lab("reboot", "host2")

    mesh.wait_for_ping("host1", mesh.address("host2"), None)
    mesh.wait_for_ping("host1", mesh.container_address("host2"))
