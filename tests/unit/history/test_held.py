"""Commands of this machine at one time: what one has written, no other takes back.

Each runs the real command many times in a process of its own, and another one beside it.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dockmesh.access import store
from dockmesh.cli.work.mesh_file import replace_file
from dockmesh.context import store as contexts
from dockmesh.drill import history as drills
from dockmesh.errors import UsageError
from dockmesh.history import held as module
from dockmesh.history.held import held
from dockmesh.history.store import ignore_folder
from dockmesh.meshfile.load import load
from tests.support.meshes import MESH_FILE
from tests.unit.drill.test_history import DRILL

ROUNDS = 6
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


@pytest.mark.exhaustive
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


# One command; the disk takes so long that somebody can press Ctrl-C in the middle.
SLOW = """
import os, sys, time
from dockmesh.cli.main import run
on_disk = os.fsync
os.fsync = lambda handle: (time.sleep(0.1), on_disk(handle))
run()
"""


def interrupted(file: Path, *words: str, lock: Path) -> tuple[int, str]:
    """By Ctrl-C as soon as it holds what it changes."""
    with subprocess.Popen((sys.executable, "-c", SLOW, *words), cwd=file.parent, stderr=subprocess.PIPE) as running:
        end = time.monotonic() + 60
        while not lock.exists():
            assert running.poll() is None
            assert time.monotonic() < end
        running.send_signal(signal.SIGINT)
        said = running.communicate(timeout=60)[1].decode()
    return running.returncode, said


@pytest.mark.exhaustive
def test_ctrl_c_leaves_who_gets_in_whole(file: Path) -> None:
    """An authority with the key of another one would let nobody in."""
    at_one_time(file.parent, [("access", "create", "ann")])
    lock = store.folder_of(file).parent / store.LOCK
    before = store.load(file)

    rotated = interrupted(file, "access", "rotate", "--yes", lock=lock)
    after = store.load(file)
    revoked = interrupted(file, "access", "revoke", "ann", lock=lock)
    last = store.load(file)

    assert before is not None
    assert after is not None
    assert last is not None
    assert (rotated[0], revoked[0]) == (130, 130)
    assert before.ca != after.ca
    assert signs(after)
    assert "ann loses access with the next `dockmesh apply`" in revoked[1]
    assert [client.revoked is None for client in last.clients] == [False]
    assert f"list {last.number}." in last.revoked


def signs(kept: store.Kept) -> bool:
    """Whether the key is that of the certificate."""
    certificate = x509.load_pem_x509_certificate(kept.ca.encode())
    key = load_pem_private_key(kept.key.encode(), None)
    return key.public_key() == certificate.public_key()


@pytest.mark.exhaustive
def test_ctrl_c_leaves_the_mesh_file_whole(file: Path) -> None:
    code, said = interrupted(file, "network", "add", "blue", lock=file.with_name(".dockmesh.yaml.lock"))

    assert (code, said.strip()) == (130, "interrupted")
    assert [network.name for network in load(file).further] == ["blue"]
    assert [path.name for path in file.parent.iterdir()] == ["dockmesh.yaml"]


@pytest.mark.exhaustive
def test_both_of_two_edits_of_the_mesh_file_are_in_it(file: Path) -> None:
    file.unlink()
    first = [f"first{number}=192.0.2.{number}" for number in (101, 102)]
    at_one_time(file.parent, [("init", *first, "--encryption", "off", "--offline", "--max-hosts", "30")])
    hosts = [("host", "add", f"h{number}=192.0.2.{number}", "--offline") for number in range(1, 5)]
    networks = [("network", "add", f"net{number}", "--hosts", "first101,first102") for number in range(4)]

    at_one_time(file.parent, hosts, networks)

    mesh = load(file)
    assert {host.name for host in mesh.hosts} >= {f"h{number}" for number in range(1, 5)}
    assert {network.name for network in mesh.further} == {f"net{number}" for number in range(4)}
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
