"""The rollback with a real runner and the real program, in a folder in place of the host's; systemd stands aside."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from dockmesh.agent.commit_confirm import ENABLED, RUNS_BYTES, RUNTIME, STATE
from dockmesh.agent.lock import LOCK
from dockmesh.agent.texts import module_texts, runner_text
from dockmesh.transport.requests import Answer, Arm, Begin, Confirm, Exec, Get, Lock, Put, Request, RollBack, as_line
from dockmesh.transport.ssh import PYTHON

# It starts processes: too many for `make check`.
pytestmark = pytest.mark.exhaustive

LINE = {"run": "r1", "who": "ann", "from": "desk", "since": "2026-01-02T03:04:05Z", "why": "apply"}


class Host:
    """A folder that stands for a host: its own /var/lib/dockmesh and /run, and a systemctl that starts the rollback."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.library = folder / "lib"
        (self.library / "dockmesh/agent").mkdir(parents=True)
        for package in ("dockmesh", "dockmesh/agent"):
            (self.library / package / "__init__.py").touch()
        back = files("dockmesh.agent").joinpath("back.py").read_text(encoding="utf-8")
        for name, text in {**module_texts(), "back": back}.items():
            (self.library / f"dockmesh/agent/{name}.py").write_text(self.mapped(text))
        programs = folder / "bin"
        programs.mkdir()
        for name in ("systemctl", "systemd-run"):
            program = programs / name
            program.write_text(
                f'#!/bin/sh\necho "{name} $*" >> {folder}/said\n'
                f'[ "$1" != enable ] || touch {folder}/enabled\n'
                f'[ "$*" = "start dockmesh-back.service" ] || exit 0\nexport PYTHONPATH={self.library}\n'
                f"exec {sys.executable} -m dockmesh.agent.back\n"
            )
            program.chmod(0o755)
        self.runner = self.connect()

    def mapped(self, text: str) -> str:
        for path, name in ((STATE, "state"), (LOCK, "lock"), (RUNTIME, "run"), (ENABLED, "enabled")):
            assert f'"{path}"' in text or path not in text
            text = text.replace(f'"{path}"', f'"{self.folder}/{name}"')
        return text.replace('PATH = "', f'PATH = "{self.folder}/bin:')

    def connect(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *PYTHON[1:]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(self.mapped(runner_text())) + "\n")
        process.stdin.flush()
        process.stdout.readline()
        return process

    def ask(self, *requests: Request, mode: str = "until failure") -> list[Answer]:
        assert self.runner.stdin is not None
        assert self.runner.stdout is not None
        order = {"mode": mode, "requests": [as_line(request) for request in requests]}
        self.runner.stdin.write(json.dumps(order) + "\n")
        self.runner.stdin.flush()
        return [Answer(**answer) for answer in json.loads(self.runner.stdout.readline())]

    def end(self) -> None:
        assert self.runner.stdin is not None
        assert self.runner.stdout is not None
        self.runner.stdin.close()
        self.runner.wait(10)
        self.runner.stdout.close()

    def arm(self, *back: Request, must: bool = True, timeout_s: float = 600) -> None:
        part = {
            "name": "a file",
            "when": ["write"],
            "booted": ["write what a boot takes"],
            "requests": [as_line(each) for each in back],
            "must": must,
        }
        last = [as_line(Exec(("touch", f"{self.folder}/last")))]
        text = json.dumps({"version": 1, "run": LINE, "parts": [part], "last": last})
        (answer,) = self.ask(Arm(text, {}, timeout_s))
        assert answer.ok, answer

    def rolls_back(self) -> None:
        """As systemd starts it."""
        done = subprocess.run(
            [sys.executable, "-m", "dockmesh.agent.back"],
            env={**os.environ, "PYTHONPATH": str(self.library)},
            timeout=30,
            check=False,
        )
        assert done.returncode == 0

    @property
    def runs(self) -> list[dict[str, Any]]:
        path = self.folder / "state/runs.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    one = Host(tmp_path)
    yield one
    one.end()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    return path


def test_what_is_confirmed_stays(host: Host, file: Path) -> None:
    host.arm(Put(str(file), "old"))
    host.ask(Begin("write"), Put(str(file), "new"))

    (confirmed,) = host.ask(
        Confirm("r1", json.dumps({**LINE, "ended": "confirmed"}), {f"{host.folder}/state/x": "kept"})
    )

    assert confirmed.ok
    host.rolls_back()
    assert file.read_text() == "new"
    assert (host.folder / "state/x").read_text() == "kept"
    assert [run["ended"] for run in host.runs] == ["confirmed"]
    assert sorted(path.name for path in (host.folder / "state").iterdir()) == ["runs.jsonl", "x"]


def test_what_is_taken_back_is_as_before(host: Host, file: Path) -> None:
    host.arm(Put(str(file), "old"))
    host.ask(Begin("write"), Put(str(file), "new"))

    (back,) = host.ask(RollBack())

    assert back.ok
    assert json.loads(back.out)["ended"] == "gone back"
    assert file.read_text() == "old"
    assert (host.folder / "last").exists()
    assert host.ask(Confirm("r1", "", {}))[0].code == 76


def test_a_host_that_hears_nothing_goes_back_by_itself(host: Host, file: Path) -> None:
    host.arm(Put(str(file), "old"), timeout_s=0.3)
    host.ask(Begin("write"), Put(str(file), "new"))

    host.rolls_back()
    late = host.ask(Begin("write"), Put(str(file), "newer"))

    assert file.read_text() == "old"
    assert host.runs[-1]["ended"] == "gone back"
    assert [answer.code for answer in late] == [76, 76]


def test_who_left_the_host_alone_loses_its_lock(host: Host, file: Path) -> None:
    host.ask(Lock(json.dumps({**LINE, "pid": "PID"})))
    host.arm(Put(str(file), "old"), timeout_s=0.3)

    host.rolls_back()

    assert host.runner.wait(10) != 0


def test_who_asks_for_the_way_back_keeps_its_lock(host: Host, file: Path) -> None:
    host.ask(Lock(json.dumps({**LINE, "pid": "PID"})))
    host.arm(Put(str(file), "old"))

    host.ask(RollBack())

    assert host.ask(Get(str(file)))[0].out == "old"


def test_a_step_that_was_not_begun_is_not_undone(host: Host, file: Path) -> None:
    file.write_text("by hand")
    host.arm(Put(str(file), "old"))

    host.ask(RollBack())

    assert file.read_text() == "by hand"


def test_a_boot_in_between_is_the_deadline(host: Host, file: Path) -> None:
    host.arm(Put(str(file), "old"))
    host.ask(Begin("write"), Put(str(file), "new"))
    shutil.rmtree(host.folder / "run")  # what a boot does to /run

    host.rolls_back()

    assert file.read_text() == "old"


@pytest.mark.parametrize("boot", [False, True])
def test_what_a_boot_took_up_is_undone_too(host: Host, file: Path, *, boot: bool) -> None:
    host.arm(Put(str(file), "old"))
    host.ask(Begin("write what a boot takes"))
    file.write_text("as the file says")
    if boot:
        shutil.rmtree(host.folder / "run")

    host.ask(RollBack())

    assert file.read_text() == ("old" if boot else "as the file says")


def test_a_way_back_that_was_cut_short_is_taken_again(host: Host, file: Path) -> None:
    host.arm(Put(str(file), "old"))
    host.ask(Begin("write"), Put(str(file), "new"))
    state = host.folder / "state"
    (state / "armed.json").rename(state / "returning.json")

    host.rolls_back()

    assert file.read_text() == "old"
    assert not (state / "returning.json").exists()


def test_what_cannot_be_undone_is_said_and_the_rest_is_undone(host: Host, file: Path) -> None:
    host.arm(Exec(("sh", "-c", "echo no way >&2; exit 5")), Put(str(file), "old"))
    host.ask(Begin("write"), Put(str(file), "new"))

    (back,) = host.ask(RollBack())

    assert json.loads(back.out)["failures"] == ["a file: exit 5: no way"]
    assert file.read_text() == "old"


def test_a_second_run_cannot_arm_over_the_first(host: Host, file: Path) -> None:
    host.arm(Put(str(file), "old"))

    (answer,) = host.ask(Arm("{}", {}, 60))

    assert answer.code == 75


def test_a_confirmation_of_another_run_is_refused(host: Host, file: Path) -> None:
    host.arm(Put(str(file), "old"))

    (answer,) = host.ask(Confirm("r2", "", {}))

    assert answer.code == 76


def test_units_are_read_anew_only_when_one_changed(host: Host, tmp_path: Path) -> None:
    unit = f"{tmp_path}/dockmesh-back.service"
    text = json.dumps({"run": LINE, "parts": [], "last": []})
    for _ in range(2):
        assert host.ask(Arm(text, {unit: "[Unit]\n"}, 60))[0].ok
        host.ask(Confirm("r1", "", {}))

    said = (tmp_path / "said").read_text().splitlines()
    assert said.count("systemctl enable dockmesh-back.service") == 1
    assert sum("systemd-run --quiet --on-active=60 " in line for line in said) == 2


def test_a_unit_that_was_written_and_not_enabled_is_enabled_by_the_next_run(host: Host, tmp_path: Path) -> None:
    unit = tmp_path / "dockmesh-back.service"
    unit.write_text("[Unit]\n")

    host.ask(Arm(json.dumps({"run": LINE, "parts": [], "last": []}), {str(unit): "[Unit]\n"}, 60))

    assert "systemctl enable dockmesh-back.service" in (tmp_path / "said").read_text().splitlines()


@pytest.mark.exhaustive
def test_what_a_killed_run_left_at_work_ends_before_the_host_goes_back(host: Host, file: Path) -> None:
    host.arm(Put(str(file), "old"), timeout_s=0.2)
    began, ended = host.folder / "began", host.folder / "ended"
    order = {
        "mode": "each",
        "requests": [
            as_line(Begin("write")),
            as_line(Exec(("sh", "-c", f"touch {began}; sleep 1; echo late > {file}; touch {ended}"))),
        ],
    }
    assert host.runner.stdin is not None
    host.runner.stdin.write(json.dumps(order) + "\n")
    host.runner.stdin.flush()
    while not began.exists():
        assert host.runner.poll() is None
    host.runner.kill()

    host.rolls_back()

    assert ended.exists()
    assert file.read_text() == "old"


def test_a_daemon_that_a_run_started_does_not_keep_the_turn(host: Host, file: Path) -> None:
    host.arm(Put(str(file), "old"))
    host.ask(Begin("write"), Exec(("sh", "-c", "sleep 20 >/dev/null 2>&1 & echo $! >&2")))

    (back,) = host.ask(RollBack())

    assert back.ok


@pytest.mark.exhaustive
def test_a_way_back_that_is_killed_is_begun_again_while_one_waits_for_it(host: Host, file: Path) -> None:
    once = f"[ -e {host.folder}/once ] || {{ touch {host.folder}/once; kill -9 $PPID; }}"
    host.arm(Exec(("sh", "-c", once)), Put(str(file), "old"))
    host.ask(Begin("write"), Put(str(file), "new"))

    (back,) = host.ask(RollBack())

    assert back.ok
    assert file.read_text() == "old"


def test_the_list_of_runs_does_not_grow_for_ever(host: Host) -> None:
    runs = host.folder / "state/runs.jsonl"
    runs.parent.mkdir(exist_ok=True)
    runs.write_text("".join(json.dumps({**LINE, "run": f"r{number}"}) + "\n" for number in range(4000)))
    host.arm()

    host.ask(Confirm("r1", json.dumps(LINE), {}))

    assert runs.stat().st_size < RUNS_BYTES
    assert host.runs[-2]["run"] == "r3999"
    assert host.runs[-1] == LINE


def test_what_is_confirmed_stays_even_where_it_cannot_be_noted(host: Host, file: Path) -> None:
    host.arm(Put(str(file), "old"))
    host.ask(Begin("write"), Put(str(file), "new"))

    (confirmed,) = host.ask(Confirm("r1", "", {f"{file}/no-folder": "x"}))

    assert confirmed.ok
    assert confirmed.err
    host.rolls_back()
    assert file.read_text() == "new"
