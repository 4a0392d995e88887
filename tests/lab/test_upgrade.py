"""A mesh of dockmesh 0.1.0 with containers that run, taken over by this one: with its file, and without a restart."""

import os
import subprocess
import tarfile
from io import BytesIO
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import DOCKMESH, Mesh, run
from tests.lab.quiet import Cost, watched

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
# The commit that 0.1.0 was.
RELEASE = "5827c6e3"
HOSTS = ("host1", "host2", "host3")
# 1,020 ms were measured; a host that is cut off for good is silent for longer.
LONGEST_MS = 3000
STARTED = "docker inspect --format '{{.State.StartedAt}}' web; systemctl show --property=InvocationID docker"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which `python -m dockmesh` is 0.1.0."""
    folder = tmp_path_factory.mktemp("release")
    packed = subprocess.run(("git", "archive", RELEASE, "src"), cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    assert run(*DOCKMESH, "--version", environment=environment).out.strip() == "dockmesh 0.1.0"
    return environment


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh, old: dict[str, str]) -> Mesh:
    """As 0.1.0 makes it, with a container on each host."""
    mesh = make_mesh("--prepared")
    mesh.file.unlink()
    ssh = ("--file", str(mesh.file), "--ssh-config", str(mesh.ssh_config))
    for words in (("init", *HOSTS, *ssh), ("apply", "--yes", *ssh)):
        done = run(*DOCKMESH, *words, environment=old)
        assert done.code == 0, done.err + done.out
    for host in HOSTS:
        mesh.start_container(host, "web", "--restart always")
    mesh.wait_for_containers()
    return mesh


@pytest.fixture(scope="module")
def upgraded(mesh: Mesh) -> tuple[dict[str, str], Cost, Any]:
    """When all was started before, what the first apply of today cost, and its answer."""
    before = {host: mesh.on(host, STARTED) for host in HOSTS}
    answers = []
    with watched(mesh, HOSTS) as pings:
        cost = pings.cost(lambda: answers.append(mesh.apply()), [frozenset(pair) for pair in combinations(HOSTS, 2)])
    return before, cost, answers[0]


def test_it_is_taken_over_without_a_restart(mesh: Mesh, upgraded: tuple[dict[str, str], Cost, Any]) -> None:
    before, _, answer = upgraded

    assert {host: mesh.on(host, STARTED) for host in HOSTS} == before
    assert answer["changed"]


def test_nothing_comes_twice_and_nobody_is_silent_for_long(upgraded: tuple[dict[str, str], Cost, Any]) -> None:
    """The spanning tree of 0.1.0 has other bridges than today's: it needs a moment, of which apply says no number."""
    _, cost, _ = upgraded

    assert not cost.twice
    assert cost.longest_ms < LONGEST_MS, cost


def test_then_nothing_differs_and_every_probe_passes(mesh: Mesh, upgraded: tuple[dict[str, str], Cost, Any]) -> None:
    assert not mesh.apply()["changed"]
    mesh.assert_proven()


def test_all_comes_back_from_a_power_cut(mesh: Mesh, upgraded: tuple[dict[str, str], Cost, Any]) -> None:
    for host in HOSTS:
        mesh.lab("crash", host)
    for host in HOSTS:
        mesh.lab("start", host)

    mesh.wait_for_containers()
    assert not mesh.apply()["changed"]


def test_destroy_leaves_nothing_of_either(mesh: Mesh, upgraded: tuple[dict[str, str], Cost, Any]) -> None:
    done = mesh.dockmesh("destroy", "--yes")

    assert done.code == 0, done.err
    for host in HOSTS:
        assert mesh.ssh(host, "ovs-vsctl br-exists br0").code == 2
        left = mesh.ssh(host, "ls -d /etc/dockmesh* /var/lib/dockmesh* /etc/systemd/system/*dockmesh*").out.splitlines()
        assert [path for path in left if "dockmesh-lab" not in path] == []
