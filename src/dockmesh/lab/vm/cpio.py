"""Folders as cpio archives: what the kernel unpacks into its first root file system.

The format is "newc", described in the kernel's Documentation/driver-api/early-userspace/buffer-format.rst.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

ALIGNMENT = 4
END = "TRAILER!!!"


def pack(folder: Path, at: str = "") -> bytes:
    """All below `folder`, with modes and numeric owners, as a tree that starts at `at` in the archive.

    Archives may be put one after another: the kernel unpacks all.
    """
    return b"".join((*_folders_above(at), *_entries(folder, at), entry(END, 0)))


def entry(name: str, mode: int, content: bytes = b"", owner: tuple[int, int] = (0, 0)) -> bytes:
    """One file, folder or symbolic link. Names are relative to the root, links have their target as content."""
    encoded = name.encode() + b"\0"
    # inode 0: nothing here is a hard link; no time, so that the same folder makes the same archive.
    numbers = (0, mode, *owner, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0)
    header = b"070701" + b"".join(b"%08X" % number for number in numbers) + encoded
    return _padded(header) + _padded(content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % ALIGNMENT)


def _folders_above(at: str) -> Iterator[bytes]:
    for path in reversed(Path(at).parents if at else ()):
        if path.name:
            yield entry(str(path), stat.S_IFDIR | 0o755)
    if at:
        yield entry(at, stat.S_IFDIR | 0o755)


def _entries(folder: Path, at: str) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        name = str(Path(at) / path.relative_to(folder))
        if stat.S_ISLNK(status.st_mode):
            content = os.fsencode(path.readlink())
        elif stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        else:
            content = b""
        yield entry(name, status.st_mode, content, (status.st_uid, status.st_gid))
