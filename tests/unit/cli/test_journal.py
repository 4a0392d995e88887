import signal
import subprocess
import sys
from pathlib import Path

from dockmesh.cli.work.address_conflicts import as_it_was_made
from dockmesh.history.store import HostRecord, Record, load_all, save

KILLED = """
import os, signal, sys
from pathlib import Path
from dockmesh.cli.work.journal import record
from dockmesh.undo.session import Session
from dockmesh.record.run import Run
run = Run("r1", "ann", "desk", "2026-01-02T03:04:05Z", "apply")
with record(Path(sys.argv[1]), "name: a", Session(run)):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_that_was_killed_is_in_the_history(tmp_path: Path) -> None:
    file = tmp_path / "mesh.yaml"

    done = subprocess.run((sys.executable, "-c", KILLED, str(file)), check=False)

    assert done.returncode == -signal.SIGKILL
    assert [(each.run, each.ended, each.file) for each in load_all(file)] == [("r1", "interrupted", "name: a")]


def test_what_a_host_was_made_to_be_is_read_from_the_history(mesh_file: Path) -> None:
    hosts = {"host1": HostRecord((), "not changed"), "host2": HostRecord(("a change",), "confirmed")}
    save(mesh_file, Record("r1", "ann", "2026-01-02T03:04:05Z", "apply", "done", mesh_file.read_text(), hosts))
    save(mesh_file, Record("r2", "ann", "2026-01-02T03:04:06Z", "apply", "done", "no mesh", {"host1": hosts["host1"]}))

    assert as_it_was_made(mesh_file, "host1") is None  # nobody can read what it was made of
    made = as_it_was_made(mesh_file, "host2")
    assert made is not None
    assert made.name == "host2"
    assert as_it_was_made(mesh_file, "host9") is None
