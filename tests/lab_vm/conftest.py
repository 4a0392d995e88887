"""One mesh of three virtual machines for all tests of this folder: emulated, they take minutes to start."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest

from dockmesh.errors import LabError
from dockmesh.lab.model import HostKind
from dockmesh.lab.requirements import check_machine
from tests.lab.conftest import MakeMesh
from tests.lab.mesh import DOCKMESH, Mesh, run, wait_until

T = TypeVar("T")

# What each module starts from.
PRISTINE = "dockmesh.yaml.pristine"
# BFD that gives a tunnel up after 3 s and not after 0.3 s: emulated daemons do not get the processor that often.
PATIENT_BFD = ("multiplier: 3}", "multiplier: 30}")


@pytest.fixture(scope="session", autouse=True)
def virtual_machines() -> None:
    """A machine that cannot hold them is named as such; tests/allowed-skips.txt says which reasons may pass."""
    try:
        check_machine(HostKind.VM)
    except LabError as error:
        pytest.skip(f"no virtual machines on this machine: {error}")


@pytest.fixture(scope="session")
def make_mesh(virtual_machines: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeMesh]:
    made = []

    def make(*options: str, hosts: int = 3) -> Mesh:
        directory = tmp_path_factory.mktemp("lab")
        made.append(directory)
        done = run(*DOCKMESH, "lab", "up", "--vm", "--dir", str(directory), "--hosts", str(hosts), *options)
        assert done.code == 0, done.err
        return Mesh(directory, tuple(f"host{number}" for number in range(1, hosts + 1)))

    yield make
    for directory in made:
        run(*DOCKMESH, "lab", "down", "--dir", str(directory))


@pytest.fixture(scope="session")
def machines(make_mesh: MakeMesh) -> Mesh:
    """Three prepared virtual machines, a container on each that outlives all that is done to them."""
    mesh = make_mesh("--prepared")
    mesh.edit(*PATIENT_BFD)
    (mesh.directory / PRISTINE).write_text(mesh.file.read_text())
    mesh.apply()
    on_all(mesh, lambda host: mesh.start_container(host, "web", "--restart always"))
    return mesh


@pytest.fixture(scope="module")
def mesh(machines: Mesh) -> Mesh:
    """The mesh of the file as it was written: whatever another module made of it is undone by one apply."""
    machines.lab("heal")
    machines.file.write_text((machines.directory / PRISTINE).read_text())
    machines.apply()
    wait_for_containers(machines)
    return machines


def on_all(mesh: Mesh, work: Callable[[str], T]) -> dict[str, T]:
    """Do it on all hosts at once."""
    with ThreadPoolExecutor(len(mesh.hosts)) as pool:
        return dict(zip(mesh.hosts, pool.map(work, mesh.hosts), strict=True))


def wait_for_containers(mesh: Mesh) -> None:
    """Every container reaches every other's."""

    def runs(host: str) -> str:
        wait_until(lambda: mesh.ssh(host, "docker ps --quiet").out != "", f"the container of {host} runs")
        return mesh.container_address(host)

    addresses = on_all(mesh, runs)

    def reaches_all(host: str) -> None:
        for other, address in addresses.items():
            if other != host:
                mesh.wait_for_ping(host, address)

    on_all(mesh, reaches_all)


def wait_for_tunnels(mesh: Mesh) -> None:
    """Until BFD calls every tunnel up: before that, a harm would be done to a mesh that is still coming up."""
    show = "ovs-vsctl --bare --columns=bfd_status find interface bfd:enable=true"

    def all_up() -> bool:
        lines = [
            line for shown in on_all(mesh, lambda host: mesh.on(host, show)).values() for line in shown.split("\n")
        ]
        return any(lines) and all("state=up" in line for line in lines if line)

    wait_until(all_up, "all tunnels are up")
