"""Labs for tests: made for a module, ended with it, whatever happens in between."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dockmesh.errors import LabError
from dockmesh.lab.model import HostKind
from dockmesh.lab.requirements import check_machine
from tests.lab.mesh import DOCKMESH, Mesh, run

MakeMesh = Callable[..., Mesh]


@pytest.fixture(scope="session", autouse=True)
def machine() -> None:
    """A machine that cannot hold a lab is named as such; tests/allowed-skips.txt says which reasons may pass."""
    try:
        check_machine()
    except LabError as error:
        pytest.skip(f"no lab on this machine: {error}")


@pytest.fixture(scope="module")
def virtual_machines() -> None:
    """For tests on a kernel of the hosts' own."""
    try:
        check_machine(HostKind.VM)
    except LabError as error:
        pytest.skip(f"no virtual machines on this machine: {error}")


@pytest.fixture(scope="module")
def make_mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeMesh]:
    made: list[Path] = []

    def make(*options: str, hosts: int = 3) -> Mesh:
        directory = tmp_path_factory.mktemp("lab")
        made.append(directory)
        done = run(*DOCKMESH, "lab", "up", "--dir", str(directory), "--hosts", str(hosts), *options)
        assert done.code == 0, done.err
        return Mesh(directory, tuple(f"host{number}" for number in range(1, hosts + 1)))

    yield make
    for directory in made:
        run(*DOCKMESH, "lab", "down", "--dir", str(directory))


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    """Three prepared hosts with the mesh applied."""
    mesh = make_mesh("--prepared")
    mesh.apply()
    mesh.wait_for_mesh()
    return mesh
