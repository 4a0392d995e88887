import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from dockmesh import __version__
from dockmesh.render.paths import UP
from tests.unit.cli.conftest import OFFLINE, Dockmesh, Ran
from tests.unit.cli.test_init import nobody_knows

VERBS = ("init", "plan", "render", "preflight", "apply", "schema", "lab", "history", "rollback", "unlock", "destroy")


def as_program(folder: Path, *arguments: str, **environment: str) -> Ran:
    """The program in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "dockmesh", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_help(dockmesh: Dockmesh, verb: str) -> None:
    ran = dockmesh(verb, "--help")

    assert (ran.code, ran.err) == (0, "")
    assert f"dockmesh {verb}" in ran.out


def test_it_runs_as_a_module_and_says_its_version(tmp_path: Path) -> None:
    assert as_program(tmp_path, "--version") == Ran(0, f"dockmesh {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments", [["nosuch"], ["plan", "--nosuch"], ["plan", "extra"], ["render"], ["init"], ["apply", "--host"]]
)
def test_a_command_line_that_cannot_be_meant_is_2(dockmesh: Dockmesh, arguments: list[str]) -> None:
    ran = dockmesh(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert "--help` shows what it takes" in ran.err


@pytest.mark.parametrize("verb", [["plan"], ["render", "-o", "out"], ["apply", "--yes"]])
def test_no_file_is_2_and_says_how_to_get_one(dockmesh: Dockmesh, verb: list[str]) -> None:
    ran = dockmesh(*verb)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "dockmesh.yaml: no such file\n   Write one with `dockmesh init HOST…`, or name another with -f.\n"


@pytest.mark.parametrize("verb", [["plan"], ["render", "-o", "out"], ["apply", "--yes"]])
def test_a_file_with_a_mistake_is_2_and_shows_the_place(dockmesh: Dockmesh, mesh_file: Path, verb: list[str]) -> None:
    mesh_file.write_text(mesh_file.read_text().replace("172.17.42.3,", "172.17.42.2,"), encoding="utf-8")

    ran = dockmesh(*verb)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("dockmesh.yaml:8:39: address of host3 is also the address of host2\n")


def test_a_bug_of_ours_is_3_with_a_traceback(
    dockmesh: Dockmesh, mesh_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dockmesh.cli.work.plan.build", lambda _: 1 / 0)

    ran = dockmesh("plan")

    assert ran.code == 3
    assert "ZeroDivisionError" in ran.err
    assert "This is a bug of dockmesh" in ran.err


# plan


def test_plan_json_has_its_documented_names(dockmesh: Dockmesh, mesh_file: Path) -> None:
    mesh_file.write_text(f"{mesh_file.read_text()}fabric: {{forwarding: rstp}}\n")

    plan = dockmesh("plan", "--json").json()

    assert (plan["name"], plan["prefix"], plan["mtu"], plan["root"]) == ("prod", "172.17.0.0/16", 1462, "host1")
    assert plan["hosts"][1] == {
        "name": "host2",
        "underlay": "2.2.2.2",
        "underlay_mtu": 1500,
        "address": "172.17.42.2",
        "pool": "172.17.128.0/18",
        "containers": 16384,
        "networks": [
            {"name": "docker0", "address": "172.17.42.2", "pool": "172.17.128.0/18", "containers": 16384},
        ],
        "tunnels": [
            {"port": "gre1", "peer": "host1", "remote": "1.1.1.1"},
            {"port": "gre2", "peer": "host3", "remote": "3.3.3.3"},
        ],
    }
    assert plan["links"] == [
        {"a": "host1", "b": "host2", "forwards": True},
        {"a": "host1", "b": "host3", "forwards": True},
        {"a": "host2", "b": "host3", "forwards": False},
    ]


def test_plan_shows_each_host_the_sum_of_the_mtu_the_guard_and_the_graph(dockmesh: Dockmesh, mesh_file: Path) -> None:
    text = dockmesh("plan").out

    assert ": 3 hosts in 172.17.0.0/16, full mesh, 3 links of gre" in text
    assert "16,384" in text
    assert "  1462  overlay MTU" in text
    assert "direct, no spanning tree: every link carries frames" in text
    assert "host2   ┄┄ host3" in text


@pytest.mark.exhaustive
def test_plan_of_many_hosts_draws_no_graph(dockmesh: Dockmesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockmesh.cli.work.new_hosts.addresses_of", nobody_knows)
    dockmesh("init", *OFFLINE, *(f"host{number}" for number in range(1, 42)))

    assert "not drawn for more than 40 hosts" in dockmesh("plan").out


# render


def render_tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_render_writes_a_folder_for_each_host(dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path) -> None:
    ran = dockmesh("render", "-o", "out", "--json")

    assert ran.json()["directory"] == "out"
    assert render_tree(tmp_path / "out") == {
        f"{name}{path}" for name, paths in ran.json()["hosts"].items() for path in paths
    }
    assert set(ran.json()["hosts"]) == {"host1", "host2", "host3"}


def test_render_replaces_what_it_wrote_and_takes_away_what_the_other_renderer_wrote(
    dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path
) -> None:
    dockmesh("render", "-o", "out")
    mesh_file.write_text(mesh_file.read_text() + "fabric: {forwarding: rstp, renderer: ifupdown}\n", encoding="utf-8")

    assert dockmesh("render", "-o", "out").code == 0
    assert render_tree(tmp_path / "out" / "host1") == {
        "etc/dockmesh/flow-guard.py",
        "etc/dockmesh/flows",
        "etc/dockmesh/port-guard.py",
        "etc/dockmesh/ports",
        "etc/network/interfaces.d/dockmesh",
        "etc/systemd/system/dockmesh-flows.service",
        "etc/systemd/system/dockmesh-ports.service",
        "etc/systemd/system/docker.service.d/dockmesh.conf",
        "etc/dockmesh/names.py",
        "etc/dockmesh/names.conf",
        "etc/systemd/system/dockmesh-names.service",
        "etc/docker/daemon.json",
    }


@pytest.mark.parametrize("path", [UP, "/etc/docker/daemon.json", "/etc/network/interfaces.d/dockmesh"])
def test_render_writes_nothing_where_one_file_is_somebody_elses(
    dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path, path: str
) -> None:
    foreign = tmp_path / "out" / "host3" / path.removeprefix("/")
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine")

    ran = dockmesh("render", "-o", "out")

    assert ran.code == 2
    assert f"out/host3{path} is there and dockmesh did not write it" in ran.err
    assert [str(path) for path in render_tree(tmp_path / "out")] == [f"host3{path}"]
    assert foreign.read_text() == "mine"


def test_render_leaves_a_users_other_files_alone(dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "out" / "host1" / "etc" / "hosts"
    other.parent.mkdir(parents=True)
    other.write_text("mine")

    assert dockmesh("render", "-o", "out").code == 0
    assert other.read_text() == "mine"


@pytest.mark.parametrize("folder", ["dockmesh.yaml", "/proc/nowhere", "/dev/null"])
def test_render_into_what_is_no_folder_is_2(dockmesh: Dockmesh, mesh_file: Path, folder: str) -> None:
    ran = dockmesh("render", "-o", folder)

    assert ran.code == 2
    assert ran.err.startswith("error: cannot ")


# schema


def test_schema_is_a_json_schema_that_takes_the_guides_mesh(dockmesh: Dockmesh) -> None:
    schema = dockmesh("schema").json()

    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(
        {"name": "prod", "networks": [{"name": "docker0", "prefix": "172.17.0.0/16"}], "hosts": HOSTS}, schema
    )


HOSTS = {
    f"host{number}": {"underlay": f"{number}.1.1.1", "address": f"172.17.42.{number}", "pool": f"172.17.{number}.0/24"}
    for number in (1, 2)
}


# apply


def test_an_unknown_host_is_2_and_shows_the_known_ones(dockmesh: Dockmesh, mesh_file: Path) -> None:
    ran = dockmesh("apply", "--host", "host9", "--host", "host1")

    assert ran.code == 2
    assert ran.err == "error: the file has no host host9\n   do        its hosts are host1, host2, host3\n"


@pytest.mark.parametrize("config", ["none", "."])
def test_an_ssh_config_that_is_no_file_is_2(dockmesh: Dockmesh, mesh_file: Path, config: str) -> None:
    ran = dockmesh("apply", "--dry-run", "--ssh-config", config)

    assert ran.code == 2
    assert "--ssh-config" in ran.err


def refusing_ssh(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


@pytest.mark.parametrize("arguments", [["--dry-run"], ["--yes"], []])
def test_hosts_that_do_not_answer_are_1_each_with_its_reason(
    dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    refusing_ssh(tmp_path, monkeypatch, 'echo "ssh: [noise] connection refused" >&2; exit 255')

    ran = dockmesh("apply", *arguments)

    assert ran.code == 1
    assert ran.err.count(": no SSH connection\n") == 3
    assert "answered  ssh: [noise] connection refused" in ran.err


def test_their_reasons_are_in_the_json_too(
    dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing_ssh(tmp_path, monkeypatch, "exit 255")

    ran = dockmesh("apply", "--json", "--host", "host2")

    (host,) = ran.json()["hosts"]
    assert ran.code == 1
    assert (host["name"], host["error"]["what"]) == ("host2", "no SSH connection")
    assert ran.json()["changed"] is False


# The process


@pytest.mark.exhaustive
def test_ctrl_c_is_130_and_no_traceback(mesh_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refusing_ssh(tmp_path, monkeypatch, f"touch {tmp_path}/asked; while read -r line; do :; done")
    # A shell that runs us in the background has us ignore SIGINT, and a program inherits that.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import dockmesh.__main__"
    program = subprocess.Popen(
        [sys.executable, "-c", code, "apply", "--dry-run"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "asked").exists() and time.monotonic() < deadline:
        time.sleep(0.02)

    program.send_signal(signal.SIGINT)

    _, said = program.communicate(timeout=30)
    assert (program.returncode, said) == (130, "interrupted\n")


ASCII_ONLY = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.exhaustive
def test_a_terminal_that_knows_ascii_alone_is_served(tmp_path: Path) -> None:
    init = as_program(tmp_path, "init", *OFFLINE, "h1=10.0.0.1", "h2=10.0.0.2", **ASCII_ONLY)
    plan = as_program(tmp_path, "plan", **ASCII_ONLY)

    assert (init.code, plan.code) == (0, 0)
    assert "gre1?h2" in plan.out
    assert "…" in (tmp_path / "dockmesh.yaml").read_text(encoding="utf-8")


def test_json_is_json_whatever_the_terminal(mesh_file: Path, tmp_path: Path) -> None:
    ran = as_program(tmp_path, "schema", **ASCII_ONLY)

    assert json.loads(ran.out)["type"] == "object"
