"""Commands of this machine at one time: what one has written, no other takes back.

Each runs the real command many times in a process of its own, and another one beside it.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from dockmesh.access import store
from dockmesh.cli.mesh_file import replace_file
from dockmesh.context import store as contexts
from dockmesh.drill import history as drills
from dockmesh.errors import UsageError
from dockmesh.history import held as module
from dockmesh.history.held import held
from dockmesh.history.store import ignore_folder
from dockmesh.spec.load import load
from tests.support.meshes import MESH_FILE
from tests.unit.drill.test_history import DRILL

ROUNDS = 8
# The commands of standard input, a line of words each; one that another was before is run again, as its error advises.
# The disk takes its time, so that one is often in the middle of the other's.
MANY = """
import json, os, sys, time
from dockmesh.cli.main import run
on_disk = os.fsync
os.fsync = lambda handle: (time.sleep(0.03), on_disk(handle))
print("ready", flush=True)
for line in sys.stdin:
    for attempt in range(100):
        sys.argv = ["dockmesh", *json.loads(line)]
        try:
            run()
        except SystemExit as end:
            if end.code == 0:
                break
    else:
        sys.exit("never done: " + line)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "dockmesh.yaml"
    file.write_text(MESH_FILE + "docker_api: {listen: mesh}\n")
    return file


def at_one_time(folder: Path, *lists: Sequence[tuple[str, ...]]) -> None:
    """Each list by a process of its own, which runs one command after another."""
    running = []
    for _ in lists:
        process = subprocess.Popen(
            (sys.executable, "-c", MANY),
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process, commands in zip(running, lists, strict=True):
        assert process.stdin is not None
        process.stdin.write("".join(json.dumps(words) + "\n" for words in commands))
        process.stdin.close()
        process.stdin = None
    said = [process.communicate(timeout=120)[1] for process in running]
    assert [process.returncode for process in running] == [0] * len(running), [each[-800:] for each in said]


def test_who_is_shut_out_stays_out_whoever_is_let_in_meanwhile(file: Path) -> None:
    names = [f"ann{number}" for number in range(ROUNDS)]
    at_one_time(file.parent, [("access", "create", name) for name in names])

    at_one_time(
        file.parent,
        [("access", "revoke", name, "--later") for name in names],
        [("access", "create", f"bob{number}") for number in range(ROUNDS)],
        [("access", "list")] * ROUNDS,
    )

    kept = store.load(file)
    assert kept is not None
    clients = {client.name: client for client in kept.clients}
    assert [name for name in names if clients[name].revoked is None] == []
    assert [number for number in range(ROUNDS) if f"bob{number}" not in clients] == []
    assert kept.number == 1 + ROUNDS
    assert {path.name for path in store.folder_of(file).parent.iterdir()} == {"access"}


def test_both_of_two_edits_of_the_mesh_file_are_in_it(file: Path) -> None:
    file.unlink()
    first = [f"first{number}=192.0.2.{number}" for number in (101, 102)]
    at_one_time(file.parent, [("init", *first, "--offline", "--max-hosts", "30")])
    hosts = [("host", "add", f"h{number}=192.0.2.{number}", "--offline") for number in range(1, 5)]
    networks = [("network", "add", f"net{number}", "--hosts", "first101,first102") for number in range(4)]

    at_one_time(file.parent, hosts, networks)

    cluster = load(file)
    assert {host.name for host in cluster.hosts} >= {f"h{number}" for number in range(1, 5)}
    assert {network.name for network in cluster.further} == {f"net{number}" for number in range(4)}
    assert [path.name for path in file.parent.iterdir()] == ["dockmesh.yaml"]


def test_mesh_files_contexts_and_drills_wait_for_who_writes_them(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    monkeypatch.setenv("DOCKER_CONFIG", str(file.parent))

    with held(ignore_folder(file) / "drills.jsonl.lock"), pytest.raises(UsageError, match="another command"):
        drills.save(file, DRILL)
    with held(file.with_name(".dockmesh.yaml.lock")), pytest.raises(UsageError, match="another command"):
        replace_file(file, file.read_bytes(), b"")
    with contexts.held(), pytest.raises(UsageError, match="another command"), contexts.held():
        pass

    drills.save(file, DRILL)
    assert [path.name for path in file.parent.rglob("*.lock")] == []


def test_who_waits_too_long_is_told_by_whom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    lock = tmp_path / "a.lock"

    with held(lock), pytest.raises(UsageError, match=r"another command holds .*a\.lock"), held(lock):
        pass

    with held(lock):
        assert lock.exists()
    assert not lock.exists()


def test_a_lock_that_a_killed_command_left_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    lock = tmp_path / "a.lock"
    lock.touch()

    with held(lock):
        pass

    assert not lock.exists()
