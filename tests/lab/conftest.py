"""Labs for tests: made for a module, ended with it, whatever happens in between."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from dockmesh.errors import LabError
from dockmesh.facts.types import HostFacts
from dockmesh.lab.model import HostKind
from dockmesh.lab.requirements import check_machine
from tests.lab.mesh import Mesh
from tests.support.alone import ALONE

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

    Its mesh is what `dockmesh init` writes, but for what a test names.
    """
    made: list[Mesh] = []

    def make(*options: str, hosts: int = 3, forwarding: str | None = None) -> Mesh:
        mesh = Mesh(folders.mktemp("lab"), tuple(f"host{number}" for number in range(1, hosts + 1)))
        made.append(mesh)
        mesh.lab("up", "--hosts", str(hosts), *OPTIONS[kind], *options)
        if forwarding is not None:
            mesh.choose("forwarding", forwarding)
        return mesh

    try:
        yield make
    finally:
        for mesh in made:
            mesh.down()


# The files that take longest: one that begins last keeps a worker at its end alone.
FIRST = ("test_vm", "test_rollback", "test_releases", "test_apply", "test_attach", "test_names", "test_networks")


@pytest.hookimpl(tryfirst=True)  # before pytest chooses by marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(config.rootpath).as_posix() in ALONE:
            item.add_marker("alone")
    order = {name: number for number, name in enumerate(FIRST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(FIRST)))


@pytest.fixture(scope="session", autouse=True)
def machine() -> None:
    skip_without(HostKind.CONTAINER)


@pytest.fixture(scope="module")
def make_mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeMesh]:
    with labs(tmp_path_factory, HostKind.CONTAINER) as make:
        yield make


class SharedLab:
    """One lab with the mesh applied, for one file of tests after the other: each leaves it as it found it."""

    def __init__(self, make: MakeMesh) -> None:
        self._make = make
        self._mesh: Mesh | None = None
        self._text = ""
        self._states: dict[str, HostFacts] = {}

    def take(self) -> Mesh:
        if self._mesh is None:
            self._mesh = self._make("--prepared")
            self._mesh.apply()
            self._mesh.wait_for_mesh()
            self._text = self._mesh.file.read_text()
            self._states = self._mesh.states()
        return self._mesh

    def give_back(self) -> None:
        """Without the containers of the tests; what else they left fails them, and the next file gets another lab."""
        mesh, self._mesh = self._mesh, None
        assert mesh is not None
        mesh.on_all(lambda host: mesh.ssh(host, "docker ps --all --quiet | xargs --no-run-if-empty docker rm --force"))
        try:
            assert mesh.file.read_text() == self._text
            mesh.wait_for_states(self._states, deadline_s=60)
        except BaseException:
            mesh.down()
            raise
        self._mesh = mesh


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedLab]:
    with labs(tmp_path_factory, HostKind.CONTAINER) as make:
        yield SharedLab(make)


@pytest.fixture(scope="module")
def mesh(shared_lab: SharedLab) -> Iterator[Mesh]:
    """Three prepared hosts with the mesh applied, shared with other files."""
    yield shared_lab.take()
    shared_lab.give_back()
