"""The programs that stand on a host as one file, of several modules here."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dockmesh.agent.texts import FLOW_GUARD, PORT_GUARD, WIREGUARD, keys_text, modules_of, probe_text, runner_text
from dockmesh.agent.texts import text_of as text_of_module
from dockmesh.record.back_unit import rollback_files
from dockmesh.record.paths import LIBRARY
from dockmesh.render import names, ports, wireguard
from dockmesh.render.paths import ATTACH_PROGRAM, GUARD
from tests.support.meshes import ENCRYPTED, mesh_of, with_attachment, with_network
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


# What is sent as text to run once, or stands on a host as a module alone; and programs of several modules.
ALONE = ("after_dpkg", "link_keeper", "measure", "pinger", "preserve_flows", "probe_container", "reach")
SENT = {
    **{name: text_of_module(name) for name in ALONE},
    "runner": runner_text(),
    "probe": probe_text(),
    "keys": keys_text(),
}
NAMES_ITS_CALL = re.compile(r"^module\.(main|serve)\(.*\)$", re.MULTILINE)


@pytest.mark.parametrize("name", SENT)
def test_what_is_sent_needs_nothing_of_ours_beside_it(name: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(NAMES_ITS_CALL.sub("", SENT[name]), encoding="utf-8")
    run_it = f"import runpy; print(len(runpy.run_path({str(program)!r}, run_name='alone')))"

    done = subprocess.run([sys.executable, "-I", "-S", "-c", run_it], capture_output=True, text=True, check=False)

    assert done.stderr == ""
    assert int(done.stdout) > 5


def test_the_rollback_needs_nothing_but_its_own_package(tmp_path: Path) -> None:
    for path, text in rollback_files().items():
        target = tmp_path / path.removeprefix(LIBRARY).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    load = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from dockmesh.agent import back; print(back.__file__)"

    done = subprocess.run([sys.executable, "-I", "-S", "-c", load], capture_output=True, text=True, check=False)

    assert done.stderr == ""
    assert done.stdout.strip() == str(tmp_path / "dockmesh/agent/back.py")


def test_no_program_that_stands_on_a_host_is_left_out() -> None:
    mesh = with_attachment(with_network(mesh_of(3, fabric=ENCRYPTED), "blue", "10.80.0.0/16"))
    programs = {file.path for file in config_of(mesh).files if file.path.endswith(".py")}

    assert programs == {*PROGRAMS, ATTACH_PROGRAM, names.PROGRAM}
