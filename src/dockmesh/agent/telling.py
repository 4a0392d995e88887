"""What a program that stays on a host says: to whoever reads the log, and to systemd.

Python's standard library only, Python 3.7 or later.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys

# The latest is the last one. Some texts have times or numbers in them: no more than so many are kept.
SAID: list[str] = []
KEPT = 100


def say(text: str) -> None:
    """A line, without its end, on standard error: systemd keeps it in the log of the unit."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def say_once(text: str) -> None:
    """`say`, for what may be so for long: not again before `forget`."""
    if text in SAID:
        SAID.remove(text)
    else:
        say(text)
    SAID.append(text)
    del SAID[:-KEPT]


def forget() -> None:
    """All is well: what was said once is worth saying when it comes again."""
    SAID.clear()


def tell_systemd(text: str) -> None:
    """Lines of NAME=VALUE, as sd_notify(3) has them. Without a systemd that listens, nothing; nor an error."""
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify, contextlib.suppress(OSError):
            notify.sendto(text.encode(), "\0" + address[1:] if address[0] == "@" else address)
