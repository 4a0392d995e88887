"""What waits for dpkg; somebody else's lock is one of another process."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockmesh.agent import after_dpkg
from dockmesh.undo.rollback import AFTER_DPKG, FINISH_EARLIER

HOLD = """\
import fcntl, sys
file = open(sys.argv[1], "w")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""
COMMAND = ("dpkg", "--configure", "-a")


class Ran(Exception):  # noqa: N818  no error
    """exec does not return."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In place of dpkg's."""

    def run(program: str, argv: tuple[str, ...]) -> None:
        assert (program, argv) == (COMMAND[0], COMMAND)
        raise Ran

    monkeypatch.setattr(after_dpkg, "LOCKS", tuple(str(tmp_path / Path(lock).name) for lock in after_dpkg.LOCKS))
    monkeypatch.setattr("os.execvp", run)
    return tmp_path


@pytest.fixture(params=["lock-frontend", "lock"])
def other(folder: Path, request: pytest.FixtureRequest) -> Iterator["subprocess.Popen[str]"]:
    """Somebody at work with dpkg."""
    path = str(folder / request.param)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        end(process)


def end(process: "subprocess.Popen[str]") -> None:
    """And its lock with it."""
    assert process.stdin is not None
    process.stdin.close()
    process.wait()  # by the kernel alone: no sleep of ours


def test_the_command_waits_for_whoever_is_at_work(
    other: "subprocess.Popen[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = []

    def sleep(_: float) -> None:
        waited.append(other.poll())
        end(other)

    monkeypatch.setattr("dockmesh.agent.after_dpkg.time.sleep", sleep)

    with pytest.raises(Ran):
        after_dpkg.main("600", *COMMAND)

    assert waited == [None]


def test_at_the_end_of_its_patience_the_command_says_itself_who_is_in_the_way(other: "subprocess.Popen[str]") -> None:
    with pytest.raises(Ran):
        after_dpkg.main("0.1", *COMMAND)

    assert other.poll() is None


def test_without_dpkg_there_is_nothing_to_wait_for() -> None:
    with pytest.raises(Ran):
        after_dpkg.main("600", *COMMAND)


def test_the_way_back_ends_an_earlier_installation_so() -> None:
    assert FINISH_EARLIER.argv[4:7] == (AFTER_DPKG, "300", "dpkg")
