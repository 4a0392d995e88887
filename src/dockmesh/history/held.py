"""One process of this machine at a time: between reading what is kept here and writing it again, nobody else writes.

By a file that is locked, says nothing, and is there for so long only. The kernel ends a lock with its process, whatever
ends that.
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from dockmesh.errors import UsageError

# Whoever holds one reads and writes a few small files with it, and asks nobody anything.
PATIENCE_S = 20.0
BETWEEN_S = 0.01
INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Be the only one who holds `path`, a file that nobody has another use for, in a folder that is there.

    Ctrl-C and its like wait until it is given back: what is several files is written whole.

    Raises UsageError where another holds it for too long, and OSError where it cannot be made.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTIONS)
    try:
        handle = _take(path, before)
        try:
            yield
        finally:
            # While it is still ours: who waits for it, or has just opened it, sees that it is gone, and makes another.
            with contextlib.suppress(OSError):
                path.unlink()
            os.close(handle)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _take(path: Path, before: Iterable[int]) -> int:
    """`before`: the signals that were blocked already, as they are while we wait."""
    end = time.monotonic() + PATIENCE_S
    while (handle := _try(path)) is None:
        if time.monotonic() > end:
            raise UsageError(
                f"another command holds {path} for more than {PATIENCE_S:g} s",
                now="nothing was written",
                do=f"`fuser -v {path}` shows which; when it has ended, run this one again",
            )
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        time.sleep(BETWEEN_S)
        signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTIONS)
    return handle


def _try(path: Path) -> int | None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_there(handle, path):
            return handle
    except BlockingIOError:
        pass
    except OSError:
        os.close(handle)
        raise
    os.close(handle)
    return None


def _is_there(handle: int, path: Path) -> bool:
    """Whether it is the file of that name, and not one that was given back while we waited."""
    try:
        ours, now = os.fstat(handle), path.stat()
    except FileNotFoundError:
        return False
    return (ours.st_dev, ours.st_ino) == (now.st_dev, now.st_ino)
