"""The names of containers as they were when `ps`, `logs` or `exec` last looked, for the shell to complete."""

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from dockmesh.containers.types import Container
from dockmesh.history.store import folder_of, ignore_folder, replace_text
from dockmesh.meshfile.source import STANDARD_INPUT

NAME = "containers"  # of the file, beside the records of runs


def last_seen(file: Path) -> list[str]:
    """Each as NAME.HOST."""
    try:
        return (folder_of(file) / NAME).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return []


def remember(file: Path, found: Mapping[str, Iterable[Container]]) -> None:
    """Of hosts that did not answer, what was seen before stays. Where nothing can be written, nothing is."""
    if file == STANDARD_INPUT:
        return
    before = last_seen(file)
    kept = [name for name in before if not any(name.endswith(f".{host}") for host in found)]
    now = sorted({*kept, *(each.full_name for containers in found.values() for each in containers)})
    if now != before:
        with contextlib.suppress(OSError):
            replace_text(ignore_folder(file) / NAME, "".join(f"{name}\n" for name in now), 0o600)
