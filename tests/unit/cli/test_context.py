"""`dockmesh context`, with a stand-in for ssh that knows the hosts it is told of."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dockmesh.context.meta import folder_name
from tests.unit.cli.conftest import Dockmesh

# As `ssh -G`: what -F's file says of the last word if it is given, what ~/.ssh/config says of it otherwise.
SSH = """#!/bin/sh
config={home}; user=me; port=22
while [ $# -gt 1 ]; do
  case "$1" in -F) config=$2; shift;; -l) user=$2; shift;; -p) port=$2; shift;; esac; shift
done
all() {{ sed -n 's/^Include "\\(.*\\)"$/\\1/p' "$config" | while read -r file; do cat "$file"; done; cat "$config"; }}
name=$(all | sed -n "/^Host $1$/,/^Host /s/^  HostName //p" | head -n 1)
echo "user $user"; echo "hostname ${{name:-$1}}"; echo "port $port"
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """~/.ssh/config of the stand-in; and a folder for Docker's command line."""
    home = tmp_path / ".ssh/config"
    home.parent.mkdir()
    home.write_text("")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "bin").mkdir()
    ssh = tmp_path / "bin/ssh"
    ssh.write_text(SSH.format(home=home))
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setattr("dockmesh.cli.work.context.resolves", _knows_nobody)
    return home


async def _knows_nobody(name: str) -> bool:
    return False


def contexts(folder: Path) -> dict[str, Any]:
    found = [json.loads(path.read_text()) for path in (folder / "docker/contexts/meta").glob("*/meta.json")]
    return {each["Name"]: each["Endpoints"]["docker"]["Host"] for each in found}


def test_each_host_has_a_context_that_says_where_it_is(dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path) -> None:
    done = dockmesh("context", "create")

    assert contexts(tmp_path) == {f"prod-host{n}": f"ssh://me@{n}.{n}.{n}.{n}" for n in (1, 2, 3)}
    assert "docker --context prod-host1 ps" in done.out
    assert (done.code, "Include" in done.err) == (0, False)


def test_a_second_time_nothing_is_written(dockmesh: Dockmesh, mesh_file: Path) -> None:
    first, second = dockmesh("context", "create", "--json").json(), dockmesh("context", "create", "--json").json()

    assert [each["written"] for each in first["contexts"]] == [True] * 3
    assert [each["written"] for each in second["contexts"]] == [False] * 3


def test_a_configuration_of_its_own_is_told_with_the_line_that_docker_needs(
    dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path, home: Path
) -> None:
    config = tmp_path / "lab config"
    config.write_text("".join(f"Host host{n}\n  HostName 10.0.0.{n}\n" for n in (1, 2, 3)))
    before = dockmesh("context", "create", "--ssh-config", str(config))
    home.write_text(config.read_text())

    after = dockmesh("context", "create", "--ssh-config", str(config))

    assert contexts(tmp_path)["prod-host1"] == "ssh://host1"
    assert f'Include "{config}"' in before.err
    assert "Include" not in after.err


def test_a_context_of_somebody_elses_is_never_written_over(dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "docker/contexts/meta" / folder_name("prod-host2") / "meta.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"Name": "prod-host2", "Metadata": {}, "Endpoints": {"docker": {"Host": "tcp://x"}}}')

    refused = dockmesh("context", "create")
    others = dockmesh("context", "create", "--prefix", "m.")

    assert refused.code == 2
    assert "there is a context prod-host2 already, and it is not of dockmesh" in refused.err
    assert others.code == 0
    assert set(contexts(tmp_path)) == {"prod-host2", "m.host1", "m.host2", "m.host3"}
    assert contexts(tmp_path)["prod-host2"] == "tcp://x"


def test_two_meshes_of_one_name_do_not_take_each_others(dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(mesh_file.read_text())
    dockmesh("context", "create")

    refused = dockmesh("context", "create", "-f", str(other))
    mesh_file.unlink()
    moved = dockmesh("context", "create", "-f", str(other))

    assert refused.code == 2
    assert f"the context prod-host1 is of another mesh file: {mesh_file}" in refused.err
    assert moved.code == 0


def test_remove_takes_ours_and_nobody_elses(dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(mesh_file.read_text())
    dockmesh("context", "create", "-f", str(other), "--prefix", "other-")
    dockmesh("context", "create")
    mesh_file.unlink()

    one = dockmesh("context", "remove", "--host", "host1", "--ssh-config", "/gone", "--json")
    rest = dockmesh("context", "remove", "--json")

    assert one.json() == {"removed": ["prod-host1"]}
    assert rest.json() == {"removed": ["prod-host2", "prod-host3"]}
    assert set(contexts(tmp_path)) == {"other-host1", "other-host2", "other-host3"}


def test_the_context_that_docker_uses_stays(dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path) -> None:
    dockmesh("context", "create")
    (tmp_path / "docker/config.json").write_text('{"currentContext": "prod-host2"}')

    refused = dockmesh("context", "remove")

    assert refused.code == 2
    assert "docker context use default" in refused.err
    assert len(contexts(tmp_path)) == 3


def test_a_name_that_docker_would_not_take_is_refused(dockmesh: Dockmesh, mesh_file: Path) -> None:
    assert dockmesh("context", "create", "--prefix", "my mesh/").code == 2


def test_what_even_that_line_does_not_give_to_an_address_is_told(
    dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path
) -> None:
    ssh = tmp_path / "bin/ssh"
    ssh.write_text(ssh.read_text() + 'case "$1" in host*) echo "proxycommand nc";; esac\n')

    done = dockmesh("context", "create")

    assert "! host1, host2, host3: Docker's ssh reads ~/.ssh/config, which has another proxycommand" in done.err
    assert "for the address in the URL" in done.err
