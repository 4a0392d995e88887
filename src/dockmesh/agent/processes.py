"""Programs of the host, and what is said: an answer is a code as a program's, an output and an error."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time

NOT_FOUND = 127  # as a shell answers for a missing program
TIMED_OUT = 124  # as timeout(1) does
# What a group that is told to end has for it: a tenth of the time that it had, within these bounds. And once more when
# it is killed, which the kernel may put off.
LEAST_END_S, MOST_END_S = 1, 10
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The files that a program gets with it. Should we be killed, it has the turn (agent/commit_confirm.py) while it writes.
handed_on: list[int] = []


def answer(code: int, out: str = "", err: str = "") -> dict[str, Any]:
    return {"code": code, "out": out, "err": err}


def run(argv: list[str], stdin: str = "", timeout_s: float = 60) -> dict[str, Any]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l"}
    environment["PATH"] = PATH
    try:
        # With a group of its own: what a program started can be ended with it.
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            pass_fds=tuple(handed_on),
            start_new_session=True,
        )
    except FileNotFoundError:
        return answer(NOT_FOUND, err=f"{argv[0]}: command not found")
    try:
        out, err = process.communicate(stdin.encode(), timeout=timeout_s)
    except subprocess.TimeoutExpired:
        over = end_group(process, min(max(timeout_s / 10, LEAST_END_S), MOST_END_S))
        return answer(TIMED_OUT, err=f"no end after {timeout_s:g} s" + ("" if over else ", and it cannot be ended"))
    return answer(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def end_group(process: subprocess.Popen[bytes], patience_s: float) -> bool:
    """A program that had its time, and all that it started: an apt alone would go on with nobody who knows of it.

    Told first, so that dpkg ends at a place from which it can go on; then ended. False: something of it is there still.
    """
    over = False
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        over = is_over(process, patience_s)
        if over:
            break
    # What left the group, as a daemon does, may hold the streams: nobody waits for their end.
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    return over


def is_over(process: subprocess.Popen[bytes], patience_s: float) -> bool:
    """The whole group, within this time."""
    end = time.monotonic() + patience_s
    while process.poll() is None or has_members(process.pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def has_members(group: int) -> bool:
    """Alive ones: who is dead and was not asked for yet counts for kill(2), too."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open("/proc/" + pid + "/stat", encoding="utf-8", errors="replace") as file:
            # After the name, which may have anything in it: state, parent, group (proc_pid_stat(5)).
            state, _, its_group = file.read().rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                return True
    return False


def find(programs: list[str]) -> dict[str, Any]:
    found = filter(None, map(which, programs))
    return answer(0, "".join(f"{path}\n" for path in found))


def which(program: str) -> str | None:
    paths = (os.path.join(folder, program) for folder in PATH.split(":"))
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)
