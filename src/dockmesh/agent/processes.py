"""Programs of the host, and what is said: an answer is a code as a program's, an output and an error."""

from __future__ import annotations

import os
import subprocess

NOT_FOUND = 127  # as a shell answers for a missing program
TIMED_OUT = 124  # as timeout(1) does
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The files that a program gets with it. Should we be killed, it has the turn (agent/way.py) for as long as it writes.
handed_on: list[int] = []


def answer(code: int, out: str = "", err: str = "") -> dict[str, Any]:
    return {"code": code, "out": out, "err": err}


def run(argv: list[str], stdin: str = "", timeout_s: float = 60) -> dict[str, Any]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l"}
    environment["PATH"] = PATH
    try:
        done = subprocess.run(
            argv,
            input=stdin.encode(),
            capture_output=True,
            timeout=timeout_s,
            env=environment,
            check=False,
            pass_fds=tuple(handed_on),
        )
    except FileNotFoundError:
        return answer(NOT_FOUND, err=f"{argv[0]}: command not found")
    except subprocess.TimeoutExpired:
        return answer(TIMED_OUT, err=f"no end after {timeout_s:g} s")
    return answer(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def find(programs: list[str]) -> dict[str, Any]:
    found = filter(None, map(which, programs))
    return answer(0, "".join(f"{path}\n" for path in found))


def which(program: str) -> str | None:
    paths = (os.path.join(folder, program) for folder in PATH.split(":"))
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)
