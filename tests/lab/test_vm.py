"""The mesh on the distribution's own kernel, in small: two virtual machines. tests/lab_vm has the rest."""

from collections.abc import Iterator

import pytest

from dockmesh.lab.model import HostKind
from tests.lab.conftest import labs, skip_without
from tests.lab.mesh import PATIENT_BFD, Mesh


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    skip_without(HostKind.VM)
    with labs(tmp_path_factory, HostKind.VM) as make:
        mesh = make("--prepared", hosts=2)
        mesh.edit(*PATIENT_BFD)
        mesh.apply("--confirm-timeout", "600")  # and its proof: probes in containers of both hosts
        yield mesh


@pytest.fixture(scope="module")
def with_containers(mesh: Mesh) -> Mesh:
    mesh.on_all(lambda host: mesh.start_container(host, "web", "--restart always"))
    return mesh


def test_the_kernel_moves_the_frames(mesh: Mesh) -> None:
    assert "datapath: system" in mesh.file.read_text()
    assert "gre" in mesh.on("host1", "lsmod")
    assert mesh.on("host1", "ovs-appctl dpctl/show").startswith("system@ovs-system")


@pytest.mark.long
def test_containers_of_both_hosts_ping_each_other(with_containers: Mesh) -> None:
    with_containers.wait_for_containers()


@pytest.mark.long
def test_second_apply_touches_nothing(mesh: Mesh) -> None:
    assert not mesh.apply()["changed"]


@pytest.mark.long
def test_a_host_comes_back_from_a_reboot_by_itself(with_containers: Mesh) -> None:
    with_containers.lab("reboot", "host2")

    with_containers.wait_for_containers()
