"""Run a command when nobody else is at work with dpkg, or after a while all the same: dpkg itself does not wait.

Python's standard library only, Python 3.7 or later. Arguments: for how many seconds, and the command.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time

# apt and its like hold the first from their beginning to their end, dpkg each of them while it works (dpkg 1.19.1).
LOCKS = ("/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock")
POLL_S = 0.2


def is_free(path: str) -> bool:
    try:
        with open(path, "r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # and given back with the file
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def main(patience_s: str, *command: str) -> None:
    end = time.monotonic() + float(patience_s)
    while not all(map(is_free, LOCKS)) and time.monotonic() < end:
        time.sleep(POLL_S)
    os.execvp(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
