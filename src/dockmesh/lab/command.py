"""Programs of this machine, run as argv; a failure says what was tried, what was run and what was answered."""

import shlex
import subprocess
from collections.abc import Sequence

from dockmesh.errors import LabError


def run(argv: Sequence[str], what: str, *, text: str | None = None, do: str | None = None) -> str:
    """Standard output of `argv`; `what` completes the sentence "could not …"."""
    done = subprocess.run(argv, input=text or "", capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise LabError(
            f"could not {what}",
            ran=shlex.join(argv),
            answered=f"exit {done.returncode}: {(done.stderr or done.stdout).strip()[-2000:]}",
            do=do,
        )
    return done.stdout


def try_run(argv: Sequence[str]) -> bool:
    """For what may well fail: True if it did not. A program that is not there has failed too."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except (FileNotFoundError, PermissionError):  # the second: a folder on the path that is not for us
        return False
    return done.returncode == 0
