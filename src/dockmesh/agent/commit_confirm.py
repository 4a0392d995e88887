"""The rollback of a host, as the run that armed it sees it: agent/back.py carries it out.

Between `arm` and `confirm` either of the two has the turn and acts. Once it rolls back, nothing more is written
here.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time

from dockmesh.agent.files import append, discard, holds, put
from dockmesh.agent.lock import LOCKED
from dockmesh.agent.processes import answer, handed_on, run
from dockmesh.agent.replace import replace, sync_folder
from dockmesh.agent.services import NOT_ACTIVE

STATE = "/var/lib/dockmesh"
ARMED = STATE + "/armed.json"  # how to roll back, from `arm` to `confirm`
RETURNING = STATE + "/returning.json"  # the same, once the host rolls back
BEGUN = STATE + "/begun"  # the steps that were begun since, a line each
RUNS = STATE + "/runs.jsonl"  # a line a run, the oldest first
BALLAST = STATE + "/ballast"  # room on the disk for the rollback, should it be full by then
RUNTIME = "/run/dockmesh"  # empty after a boot
DEADLINE = RUNTIME + "/deadline"  # in seconds of CLOCK_BOOTTIME: the host rolls back then; 0: it is asked for now
ARMER = RUNTIME + "/armer"  # the process that armed it
TURN = RUNTIME + "/turn"
BACK = "dockmesh-back"
ENABLED = "/etc/systemd/system/multi-user.target.wants/dockmesh-back.service"

ROLLED_BACK = 76  # the next one after lock.LOCKED
BALLAST_BYTES = 512 * 1024
RUNS_BYTES = 256 * 1024  # of the list of runs, beyond which its older half goes
TRIES, AGAIN_S = 3, 1  # of a rollback that is ended half-way

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_armed: list[tuple[int, int]] = []  # which rollback this process armed
_patience: list[float] = []  # its time-out, in seconds


def now() -> float:
    """Goes on while the host sleeps, and starts again with each boot as /run does."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def set_deadline(at: float) -> None:
    os.makedirs(RUNTIME, mode=0o700, exist_ok=True)
    replace(DEADLINE, str(at).encode(), 0o600)


@contextlib.contextmanager
def turn() -> Iterator[None]:
    """Either a run writes on this host or its rollback does.

    What the run started has the turn with it: a killed runner leaves an apt or a dockerd's restart behind, and until
    that has ended nobody else writes. What only stays behind, as a daemon, gives it back by the word at the end.
    """
    os.makedirs(RUNTIME, mode=0o700, exist_ok=True)
    with open(TURN, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        handed_on[:] = [file.fileno()]
        try:
            yield
        finally:
            handed_on.clear()
            fcntl.flock(file, fcntl.LOCK_UN)


def arm(text: str, files: dict[str, str], timeout_s: float) -> dict[str, Any]:
    """From now on the host rolls back by itself, `timeout_s` after the last order of this process."""
    if os.path.exists(ARMED) or os.path.exists(RETURNING):
        return answer(LOCKED, err="another run is not confirmed yet")
    os.makedirs(STATE, mode=0o700, exist_ok=True)
    for path, content in files.items():
        if not holds(path, content):
            if path.endswith(".service"):
                discard(ENABLED)  # whoever dies before systemd has read it leaves it to be enabled again
            put(path, content, 0o644)
    if not os.path.lexists(ENABLED):
        enabled = run(["systemctl", "enable", BACK + ".service"])  # reads all units again, too
        if enabled["code"]:
            return enabled
    for stale in (BEGUN, BALLAST):
        discard(stale)
    try:
        with open(BALLAST, "wb") as file:
            file.write(os.urandom(BALLAST_BYTES))  # what is written as zeros may take no room
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        discard(BALLAST)
        raise
    run(["systemctl", "stop", BACK + ".timer"])
    set_deadline(now() + timeout_s)
    with open(ARMER, "w") as armer:
        armer.write(str(os.getpid()))
    put(ARMED, text, 0o600)
    timer = run(
        [
            *("systemd-run", "--quiet", f"--on-active={timeout_s:g}", "--timer-property=AccuracySec=100ms"),
            f"--unit={BACK}.service",
        ]
    )
    if timer["code"]:
        disarm()
        return timer
    _armed[:] = [identity(ARMED)]
    _patience[:] = [timeout_s]
    return answer(0)


def disarm() -> None:
    for path in (ARMED, RETURNING):
        discard(path)
    sync_folder(ARMED)  # with this it is over, whatever happens now
    for path in (BEGUN, BALLAST, DEADLINE, ARMER):
        discard(path)


def begin(step: str) -> dict[str, Any]:
    append(BEGUN, step + "\n")
    return answer(0)


def confirm(run_id: str, line: str, files: dict[str, str]) -> dict[str, Any]:
    """What the run made stays: there is no rollback any more. Over whatever connection."""
    with turn():
        if armed_run() != run_id:
            return refusal()
        disarm()
        _armed.clear()
        unnoted = ""
        try:
            for path, content in files.items():
                put(path, content, 0o600)
            note_run(line)
        except OSError as error:  # it stays all the same
            unnoted = str(error)
    run(["systemctl", "stop", BACK + ".timer"])
    return answer(0, err=unnoted)


def note_run(line: str) -> None:
    append(RUNS, line + "\n")
    if os.stat(RUNS).st_size > RUNS_BYTES:
        with open(RUNS, encoding="utf-8", errors="replace") as file:
            lines = file.readlines()
        put(RUNS, "".join(lines[len(lines) // 2 :]), 0o600)


def roll_back() -> dict[str, Any]:
    """Roll back now, and wait until it is done; `out` is the line that it left."""
    if not (os.path.exists(ARMED) or os.path.exists(RETURNING)):
        return answer(NOT_ACTIVE, last_run(), "no run waits to be confirmed")
    with turn():
        set_deadline(0)
    for _ in range(TRIES):
        done = run(["systemctl", "start", BACK + ".service"], timeout_s=600)
        if not os.path.exists(RETURNING) and not os.path.exists(ARMED):
            _armed.clear()  # whoever asked for it knows what the host is now
            return answer(0, last_run())
        time.sleep(AGAIN_S)  # it was killed, and systemd begins it again
    return answer(done["code"] or 1, last_run(), done["err"] or f"{BACK}.service did not do it")


def armed_run() -> str:
    try:
        with open(ARMED, encoding="utf-8") as file:
            return str(json.load(file)["run"]["run"])
    except (OSError, ValueError, KeyError):
        return ""


def last_run() -> str:
    try:
        with open(RUNS, encoding="utf-8") as file:
            return file.read().rstrip().rsplit("\n", 1)[-1]
    except OSError:
        return ""


def identity(path: str) -> tuple[int, int]:
    """An inode alone is given out again."""
    found = os.stat(path)
    return found.st_ino, found.st_mtime_ns


def rolled_back() -> bool:
    try:
        return bool(_armed) and identity(ARMED) != _armed[0]
    except FileNotFoundError:
        return True


def is_armed() -> bool:
    """By this process."""
    return bool(_armed)


def put_off() -> None:
    set_deadline(now() + _patience[0])


def refusal() -> dict[str, Any]:
    return answer(ROLLED_BACK, last_run(), "the host rolled back to what it was")
