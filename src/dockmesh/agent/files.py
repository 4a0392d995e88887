"""Files of the host: written whole or not at all, and read."""

from __future__ import annotations

import binascii
import contextlib
import os

from dockmesh.agent.processes import answer
from dockmesh.agent.replace import replace

LAST_BYTES = 64 * 1024  # longer than any line that is asked for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def put(path: str, text: str, mode: int) -> dict[str, Any]:
    """Whole or not at all, owned by root; its folders are made."""
    os.makedirs(os.path.dirname(os.path.realpath(path)), exist_ok=True)
    replace(path, text.encode(), mode)
    return answer(0)


def get(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    return answer(0, text, oct(os.stat(path).st_mode & 0o7777))


def put_bytes(path: str, base64: str, offset: int) -> dict[str, Any]:
    """A piece of a file, which ends with it until the next one comes."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.truncate(offset)
        file.seek(offset)
        file.write(binascii.a2b_base64(base64))
    return answer(0)


def get_bytes(path: str, offset: int, length: int) -> dict[str, Any]:
    with open(path, "rb") as file:
        file.seek(offset)
        return answer(0, binascii.b2a_base64(file.read(length), newline=False).decode())


def remove(path: str) -> dict[str, Any]:
    os.unlink(path)
    return answer(0)


def stat(path: str) -> dict[str, Any]:
    found = os.stat(path)
    return answer(0, f"{found.st_dev} {found.st_ino}\n")


def last(path: str) -> dict[str, Any]:
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - LAST_BYTES))
        lines = file.read().splitlines()
    return answer(0, lines[-1].decode(errors="replace") + "\n" if lines else "")


def append(path: str, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def holds(path: str, content: str, mode: int | None = None) -> bool:
    try:
        with open(path, encoding="utf-8") as file:
            same = file.read() == content
        return same and (mode is None or os.stat(path).st_mode & 0o7777 == mode)
    except (OSError, ValueError):
        return False


def discard(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
