"""The programs that stand on a host as one file, of several modules here."""

import subprocess
import sys
from pathlib import Path

import pytest

from dockmesh.agent.texts import FLOW_GUARD, PORT_GUARD, WIREGUARD, modules_of
from dockmesh.render import ports, wireguard
from dockmesh.render.paths import GUARD
from tests.support.meshes import ENCRYPTED, mesh_of
from tests.support.plans import config_of

PROGRAMS = {GUARD: FLOW_GUARD, ports.PROGRAM: PORT_GUARD, wireguard.PROGRAM: WIREGUARD}
CALL = "\nmain(*sys.argv[1:])\n"


def text_of(path: str) -> str:
    return next(file.text for file in config_of(mesh_of(3, fabric=ENCRYPTED)).files if file.path == path)


@pytest.mark.parametrize("path", PROGRAMS)
def test_a_program_needs_nothing_of_ours_beside_it(path: str, tmp_path: Path) -> None:
    """As on a host: of what is installed it sees Python's standard library only."""
    program, text = tmp_path / "program.py", text_of(path)
    program.write_text(text.replace(CALL, "\nprint(main.__module__, *sorted(TEXTS))\n"), encoding="utf-8")

    done = subprocess.run([sys.executable, "-I", "-S", str(program)], capture_output=True, text=True, check=False)

    modules = sorted(f"dockmesh.agent.{name}" for name in PROGRAMS[path])
    assert text.endswith(CALL)
    assert done.stderr == ""
    assert done.stdout.split() == [f"dockmesh.agent.{PROGRAMS[path][-1]}", "dockmesh", "dockmesh.agent", *modules]


@pytest.mark.parametrize("path", PROGRAMS)
def test_a_program_holds_every_module_as_it_is(path: str) -> None:
    texts = dict(modules_of(PROGRAMS[path])).values()

    assert all("'''" not in text and not text.endswith("\\") for text in texts)
    assert all(text in text_of(path) for text in texts)
