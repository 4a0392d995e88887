"""A command with our standard streams, by a stand-in for ssh that gives it to a shell of this machine, as sshd does."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dockmesh.transport.interactive import command_line

# It starts processes: too many for `make check`.
pytestmark = pytest.mark.exhaustive

ODD = ("a b", "'", '"', "$HOME", "`id`", "\\", "*", "", "-n", "ä→", "a\nb", "!", ";", "#")
PRINT = ("python3", "-c", "import sys; print(sys.argv[1:])")
# Runs the program with what follows as its argv, in a process of its own.
HAND_OVER = """
import asyncio, sys
from pathlib import Path
from dockmesh.model.mesh import Ssh
from dockmesh.transport.interactive import run_interactive

class Host:
    name, ssh, underlay = "host1", Ssh(), None

reads = sys.argv[1] == "reads"
sys.exit(asyncio.run(run_interactive(Host(), Path("/dev/null"), sys.argv[2:], reads=reads)))
"""


@pytest.fixture(autouse=True)
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of ssh and of sudo, which here lets everybody in."""
    for name, script in {
        "ssh": 'for last; do :; done\nexec sh -c "$last"',
        "sudo": '[ "$1 $2" = "-n --" ] && shift 2\nexec "$@"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def wait_until(condition: Callable[[], bool], deadline_s: float = 30) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def run(*words: str, reads: bool = False, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    argv = (sys.executable, "-c", HAND_OVER, "reads" if reads else "", *words)
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("watched", [True, False])
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_any_argv_comes_through_a_login_shell_as_it_is(shell: str, watched: bool) -> None:
    line = command_line((*PRINT, *ODD), watched=watched)

    with subprocess.Popen((shell, "-c", line), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.read()  # before its standard input ends

    assert said == f"{list(ODD)}\n"


@pytest.mark.parametrize("reads", [True, False])
def test_the_exit_code_and_both_streams_are_the_commands(reads: bool) -> None:
    done = run("sh", "-c", "echo out; echo err >&2; exit 42", reads=reads)

    assert (done.returncode, done.stdout, done.stderr) == (42, "out\n", "err\n")


def test_a_command_that_reads_gets_our_standard_input_and_another_has_none() -> None:
    assert run("cat", reads=True, stdin="hello").stdout == "hello"
    assert run("cat", stdin="hello").stdout == ""


def test_a_program_that_is_not_there_is_127_as_in_a_shell() -> None:
    assert run("no-such-program").returncode == 127


def test_a_command_without_a_terminal_ends_with_us(tmp_path: Path) -> None:
    note = tmp_path / "ended"
    script = f"trap 'echo told > {note}; exit' TERM; echo begun; while :; do sleep 0.05; done"
    argv = (sys.executable, "-c", HAND_OVER, "", "sh", "-c", script)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGKILL)

    wait_until(note.exists)


def test_ctrl_c_ends_a_command_without_a_terminal_and_nothing_complains(tmp_path: Path) -> None:
    note = tmp_path / "ended"
    script = f"trap 'echo told > {note}; exit' TERM; echo begun; while :; do sleep 0.05; done"
    argv = (
        sys.executable,
        "-c",
        HAND_OVER.replace("sys.exit(", "sys.tracebacklimit = 0\nsys.exit("),
        "",
        "sh",
        "-c",
        script,
    )
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()

    assert said.splitlines()[-1:] == ["KeyboardInterrupt"]
    assert note.exists()


def test_the_host_says_nothing_of_its_own(tmp_path: Path) -> None:
    line = command_line(("sleep", "1000"), watched=True)

    done = subprocess.run(("sh", "-c", line), stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)

    assert (done.stdout, done.stderr) == (b"", b"")
