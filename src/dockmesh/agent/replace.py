"""A file in the place of another, whole or not at all: here and on hosts. Python 3.7 or later."""

from __future__ import annotations

import contextlib
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    pass


def replace(path: str, content: bytes, mode: int, owner: tuple[int, int] | None = None) -> None:
    """By a temporary name beside it, on disk, then renamed. A link stays one, and what it leads to is written.

    `owner`: user and group, where we may give it to them. Raises OSError; then the file is as it was.
    """
    path = os.path.realpath(path)
    temporary = os.path.join(os.path.dirname(path), f".dockmesh-{os.urandom(6).hex()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if owner is not None:
                with contextlib.suppress(OSError):  # another's file, and we are not root: then it is ours from now on
                    os.fchown(file.fileno(), *owner)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    sync_folder(path)


def sync_folder(path: str) -> None:
    """What was renamed or removed beside it stays so when the power goes."""
    handle = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
