"""One mesh of three virtual machines for all tests of this folder: emulated, they take minutes to start."""

from collections.abc import Iterator

import pytest

from dockmesh.lab.model import HostKind
from tests.lab.conftest import MakeMesh, labs, skip_without
from tests.lab.mesh import PATIENT_BFD, Mesh, wait_until

# What each module starts from.
PRISTINE = "dockmesh.yaml.pristine"


@pytest.fixture(scope="session", autouse=True)
def machine() -> None:
    skip_without(HostKind.VM)


@pytest.fixture(scope="session")
def make_mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeMesh]:
    with labs(tmp_path_factory, HostKind.VM) as make:
        yield make


@pytest.fixture(scope="session")
def machines(make_mesh: MakeMesh) -> Mesh:
    """Three prepared virtual machines, a container on each that outlives all that is done to them."""
    mesh = make_mesh("--prepared")
    mesh.edit(*PATIENT_BFD)
    (mesh.directory / PRISTINE).write_text(mesh.file.read_text())
    mesh.apply()
    mesh.on_all(lambda host: mesh.start_container(host, "web", "--restart always"))
    return mesh


@pytest.fixture(scope="module")
def mesh(machines: Mesh) -> Mesh:
    """The mesh of the file as it was written: whatever another module made of it is undone by one apply."""
    machines.lab("heal")
    machines.file.write_text((machines.directory / PRISTINE).read_text())
    machines.apply()
    machines.wait_for_containers()
    return machines


def switch(mesh: Mesh, key: str, value: str) -> str:
    """The living mesh, switched to another value of a key; the value."""
    mesh.choose(key, value)
    mesh.apply()
    mesh.wait_for_containers()
    return value


def wait_for_tunnels(mesh: Mesh) -> None:
    """Until BFD calls every tunnel up: before that, a harm would be done to a mesh that is still coming up."""
    show = "ovs-vsctl --bare --columns=bfd_status find interface bfd:enable=true"

    def all_up() -> bool:
        lines = [line for shown in mesh.on_all(lambda host: mesh.on(host, show)).values() for line in shown.split("\n")]
        return any(lines) and all("state=up" in line for line in lines if line)

    wait_until(all_up, "all tunnels are up")
