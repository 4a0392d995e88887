"""Programs that a program which stays on a host runs: with a deadline, and what goes wrong is said once.

Python's standard library only, Python 3.7 or later.
"""

from __future__ import annotations

import subprocess

from dockmesh.agent.telling import say_once

PATIENCE_S = 10.0


def run(*argv: str, text: str = "", may_fail: bool = False, secret: bool = False) -> str | None:
    """Run a program, for at most PATIENCE_S. Return what it printed, or None where it failed, which is said once.

    Nothing secret is in `argv`. `may_fail`: its exit code is an answer and no error. `secret`: `text` is, and what it
    prints to standard error may quote that.
    """
    try:
        done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        say_once(f"{argv[0]}: {error}")
        return None
    if done.returncode and not may_fail:
        why = f"exit code {done.returncode}" if secret else done.stderr.strip()
        say_once(f"{' '.join(argv)}: {why}")
    return None if done.returncode else done.stdout
