"""Files that somebody else writes: no more of them is read than such a file has."""

from __future__ import annotations

# A container writes its resolv.conf, and may make it as large as the disk. Those of people have a few hundred bytes.
MOST_BYTES = 65536


def read_start(path: str) -> str:
    """Raises OSError."""
    with open(path, "rb") as file:
        return file.read(MOST_BYTES).decode("utf-8", "replace")
