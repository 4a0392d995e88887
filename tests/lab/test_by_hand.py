"""The page on installing the files by hand, followed to the letter: its commands are read out of it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import Mesh
from tests.unit.docs.pages import ROOT

PAGE = ROOT / "docs/howto/by-hand.md"
SHOWN_FOR = "host1"
# What a person has on their machine: ssh that knows the hosts, and dockmesh, which is told of its configuration.
TOOLS = {
    "ssh": '#!/bin/sh\nexec {ssh} -F {config} "$@"\n',
    "dockmesh": '#!/bin/sh\ncase $1 in render) exec {python} -m dockmesh "$@";; esac\n'
    'exec {python} -m dockmesh "$@" --ssh-config {config}\n',
}


def steps(heading: str) -> list[list[str]]:
    """The indented commands below a heading: those that stand together in one list."""
    page = PAGE.read_text()
    below = page if not heading else page.partition(f"## {heading}\n")[2]
    section = re.split(r"^## ", below, maxsplit=1, flags=re.MULTILINE)[0]
    blocks = re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)
    return [[line.strip() for line in block.splitlines()] for block in blocks]


class Machine:
    """The one that a person works at: a folder with the mesh file, and the tools."""

    def __init__(self, mesh: Mesh, folder: Path) -> None:
        self.mesh = mesh
        for name, text in TOOLS.items():
            words = {"ssh": "/usr/bin/ssh", "config": mesh.ssh_config, "python": sys.executable}
            (folder / name).write_text(text.format(**words))
            (folder / name).chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}

    def types(self, commands: list[str], host: str = SHOWN_FOR) -> str:
        """As they stand on the page, for this host. What the last of them said."""
        said = ""
        for command in commands:
            done = subprocess.run(
                ("bash", "-c", command.replace(SHOWN_FOR, host)),
                cwd=self.mesh.directory,
                env=self.environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
                stdin=subprocess.DEVNULL,
            )
            assert done.returncode == 0, f"{command}: {done.stderr}"
            said = done.stdout
        return said

    def types_on_all(self, commands: list[str]) -> dict[str, str]:
        return {host: self.types(commands, host) for host in self.mesh.hosts}


@pytest.fixture
def mesh(make_mesh: MakeMesh) -> Iterator[Mesh]:
    mesh = make_mesh("--prepared", hosts=2, forwarding=None)
    yield mesh
    mesh.down()


def assert_as_the_file_says(machine: Machine) -> None:
    mesh = machine.mesh
    (after, *_) = steps("After")
    mesh.assert_proven()
    machine.types(after)
    units = ("dockmesh-flows.service", "dockmesh-ports.service", "dockmesh-names.service", "docker.service")
    for host in mesh.hosts:
        assert mesh.on(host, f"systemctl is-active {' '.join(units)}").split() == ["active"] * 4
        assert mesh.on(host, f"systemctl is-enabled {' '.join(units[:3])}").split() == ["enabled"] * 3
        assert mesh.on(host, "systemctl --failed --no-legend") == ""
    mesh.assert_nothing_differs()


@pytest.mark.long
def test_the_page_makes_the_mesh_by_systemd(mesh: Mesh, tmp_path: Path) -> None:
    machine = Machine(mesh, tmp_path)
    for number, host in enumerate(mesh.hosts):
        mesh.start_container(host, f"before{number}", "--restart always")
    files, start = steps("renderer: systemd")

    said = machine.types(steps("")[0])
    machine.types_on_all(steps("Before")[0])
    machine.types_on_all(files)
    told = machine.types_on_all(start)

    for host in mesh.hosts:
        listed = next(line for line in said.splitlines() if line.startswith(f"out/{host}: "))
        assert listed.replace(host, SHOWN_FOR) in PAGE.read_text().splitlines()
        assert f'"Gateway":"{mesh.address(host)}"' in told[host]
    assert_as_the_file_says(machine)
    for host in mesh.hosts:
        mesh.lab("reboot", host)
    assert_as_the_file_says(machine)


@pytest.mark.long
def test_the_page_makes_the_mesh_by_ifupdown(mesh: Mesh, tmp_path: Path) -> None:
    mesh.edit("renderer: systemd", "renderer: ifupdown")
    machine = Machine(mesh, tmp_path)
    (files,) = steps("renderer: ifupdown")

    machine.types(steps("")[0])
    machine.types_on_all(files)
    for host in mesh.hosts:
        mesh.lab("reboot", host)

    assert_as_the_file_says(machine)
