"""One writer a host."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time

from dockmesh.agent.processes import answer
from dockmesh.agent.services import NOT_ACTIVE

LOCK = "/run/dockmesh.lock"
LOCKED = 75  # EX_TEMPFAIL of sysexits.h
PATIENCE_S = 20  # for a process that is told to end

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_held: list[Any] = []


def lock(owner: str) -> dict[str, Any]:
    """One writer a host. The lock goes with this process, so a dead one never holds it."""
    file = open(LOCK, "a+")
    os.fchmod(file.fileno(), 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        silent_s = max(0.0, boot_time() - os.fstat(file.fileno()).st_mtime)
        return answer(LOCKED, str(int(silent_s)), file.read())
    file.truncate(0)
    file.write(owner.replace('"PID"', str(os.getpid())))
    file.flush()
    _held.append(file)
    touch()
    return answer(0)


def unlock() -> dict[str, Any]:
    """End the runner that holds the lock: whoever it worked for is gone, or shall stop."""
    with open(LOCK, "a+") as file:
        if _has(file):
            return answer(NOT_ACTIVE, err="nobody holds the lock")
        file.seek(0)
        owner = file.read()
        pid = pid_of(owner)
        # The one that is written there may have ended long ago, and its number be somebody else's.
        if pid is None or not has_open(pid, file):
            return answer(1, err="whoever holds the lock did not write who it is")
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
            if _wait_for(lambda: _has(file)):
                return answer(0, owner)
    return answer(1, err=f"process {pid} holds the lock and does not end")


def pid_of(owner: str) -> int | None:
    try:
        return int(json.loads(owner)["pid"])
    except (ValueError, KeyError, TypeError):
        return None


def has_open(pid: int, file: Any) -> bool:
    ours = os.fstat(file.fileno())
    folder = "/proc/" + str(pid) + "/fd"
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                if os.path.samestat(os.stat(folder + "/" + name), ours):
                    return True
    return False


def _has(file: Any) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def touch() -> None:
    """Whoever has the lock is at work: others are told for how long it was silent."""
    now = boot_time()
    for file in _held:
        os.utime(file.fileno(), (now, now))


def boot_time() -> float:
    """What the file's time is counted in: nobody sets this clock. It begins again with each boot, and so does /run."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
