"""Labs for tests: made for a module, ended with it, whatever happens in between."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dockmesh.errors import LabError
from dockmesh.lab.model import HostKind
from dockmesh.lab.requirements import check_machine
from tests.lab.mesh import Mesh

MakeMesh = Callable[..., Mesh]

OPTIONS: dict[HostKind, tuple[str, ...]] = {HostKind.CONTAINER: (), HostKind.VM: ("--vm",)}
WHAT_IS_MISSING = {HostKind.CONTAINER: "no lab", HostKind.VM: "no virtual machines"}


def skip_without(kind: HostKind) -> None:
    """A machine that cannot hold such hosts is named as such; tests/allowed-skips.txt says which reasons may pass."""
    try:
        check_machine(kind)
    except LabError as error:
        pytest.skip(f"{WHAT_IS_MISSING[kind]} on this machine: {error}")


@contextmanager
def labs(folders: pytest.TempPathFactory, kind: HostKind) -> Iterator[MakeMesh]:
    """A function that brings a lab up with such options.

    Its mesh has a spanning tree, unless a test asks for something else; None leaves the default.
    """
    made: list[Mesh] = []

    def make(*options: str, hosts: int = 3, forwarding: str | None = "rstp") -> Mesh:
        mesh = Mesh(folders.mktemp("lab"), tuple(f"host{number}" for number in range(1, hosts + 1)))
        made.append(mesh)
        mesh.lab("up", "--hosts", str(hosts), *OPTIONS[kind], *options)
        if forwarding is not None:
            mesh.choose("forwarding", forwarding)
        if kind is HostKind.VM:
            mesh.share_connections()
        return mesh

    try:
        yield make
    finally:
        for mesh in made:
            mesh.down()


@pytest.fixture(scope="session", autouse=True)
def machine() -> None:
    skip_without(HostKind.CONTAINER)


@pytest.fixture(scope="module")
def make_mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeMesh]:
    with labs(tmp_path_factory, HostKind.CONTAINER) as make:
        yield make


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    """Three prepared hosts with the mesh applied."""
    mesh = make_mesh("--prepared")
    mesh.apply()
    mesh.wait_for_mesh()
    return mesh
