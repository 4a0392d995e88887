"""A record a run, in a folder beside the mesh file: what was asked for, what was changed, how it ended."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from dockmesh.agent.replace import replace
from dockmesh.errors import DockmeshError, UsageError

FOLDER = ".dockmesh"
DESTROY = "destroy"  # the run that takes a mesh down
GONE = "as before the first apply"  # what a host is after it
NUMBER = "number"  # of a record, beside what a Record has: in which order they were made
KEPT = 200  # records; the oldest go first


class RunState(StrEnum):
    """How a run came to its end."""

    DONE = "done"
    NOT_PROVEN = "done, not proven"  # all hosts are as the file says; the proof failed, or could not be measured
    FAILED = "failed"  # on one host or more
    INTERRUPTED = "interrupted"  # or not at its end yet


@dataclass(frozen=True, slots=True)
class HostRecord:
    changes: tuple[str, ...]
    ended: str  # "confirmed", "not changed", or what the host is now
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One run. `file` is the text of the mesh file that it made real."""

    run: str
    who: str
    since: str  # UTC, RFC 3339
    why: str
    ended: str  # a RunState, or the word of a later dockmesh
    file: str
    hosts: Mapping[str, HostRecord]

    @property
    def changed(self) -> bool:
        return any(host.changes for host in self.hosts.values())

    @property
    def made_it_real(self) -> bool:
        """Whether every host became what its file says, proven or not."""
        return self.ended in (RunState.DONE, RunState.NOT_PROVEN)


def folder_of(file: Path) -> Path:
    file = file.resolve()
    return file.parent / FOLDER / file.name


def save(file: Path, record: Record) -> None:
    """Raises OSError where the folder cannot be written."""
    folder = ignore_folder(file)
    path, before = folder / f"{record.run}.json", _in_order(folder)
    # Clocks are set back, and names of runs are times: what counts is which run was recorded first.
    number = before[path] if path in before else max(before.values(), default=0) + 1
    content = {**asdict(record), NUMBER: number}
    replace_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n", 0o600)
    too_many = len({*before, path}) - KEPT
    for old in list(before)[: max(too_many, 0)]:
        old.unlink(missing_ok=True)


def _in_order(folder: Path) -> dict[Path, int]:
    """The records, the oldest first, with their numbers; those of earlier versions have none, and only their names."""
    numbers = {path: _number(path) for path in folder.glob("*.json")}
    return dict(sorted(numbers.items(), key=lambda each: (each[1], each[0].name)))


def _number(path: Path) -> int:
    try:
        number = json.loads(path.read_text(encoding="utf-8")).get(NUMBER, 0)
    except (OSError, ValueError, AttributeError):
        return 0
    return number if isinstance(number, int) else 0


def ignore_folder(file: Path) -> Path:
    """The folder of this mesh file, made if it is not there, and nothing for git: it is nobody's source.

    Raises OSError.
    """
    folder = folder_of(file)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ignore = folder.parent / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")
    return folder


def load_all(file: Path) -> tuple[Record, ...]:
    """The runs of this mesh file, the oldest first; what is no record is left out."""
    records = (_read(path) for path in _in_order(folder_of(file)))
    return tuple(record for record in records if record is not None)


def find(file: Path, run: str) -> Record:
    """The run of that name, or of the only name that begins so.

    Raises UsageError.
    """
    records = load_all(file)
    found = [record for record in records if record.run.startswith(run)]
    if len(found) == 1:
        return found[0]
    raise UsageError(
        f"there is no run {run}" if not found else f"{len(found)} runs begin with {run}",
        do="`dockmesh history` shows the runs of this file",
    )


def before_last(file: Path) -> Record:
    """The run whose file a rollback without a name returns to: the last one that made another text real.

    Raises DockmeshError where there is none.
    """
    done = [record for record in load_all(file) if record.made_it_real]
    if done and done[-1].why == DESTROY:
        return done[-1]  # what stood before it
    now = done[-1].file if done else ""
    for record in reversed(done):
        if record.file != now:
            return record
    raise DockmeshError(
        "there is no earlier run to return to", do="`dockmesh history` shows the runs of this file and how they ended"
    )


def last_text_of(file: Path, host: str) -> str | None:
    """The text that the host was last made to be as; None where no run of this file says so."""
    for record in reversed(load_all(file)):
        found = record.hosts.get(host)
        if found and found.error is None and found.ended == GONE:
            return None
        if found and found.error is None and found.ended in ("confirmed", "not changed"):
            return record.file
    return None


def replace_text(path: Path, text: str, mode: int | None = None) -> None:
    """Whole or not at all; a link stays one, and a file keeps its mode unless told.

    Raises OSError.
    """
    replace(str(path), text.encode(), path.stat().st_mode & 0o7777 if mode is None else mode)


def _read(path: Path) -> Record | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        content.pop(NUMBER, None)
        hosts = {
            name: HostRecord(tuple(host["changes"]), host["ended"], host["error"])
            for name, host in content.pop("hosts").items()
        }
        return Record(**content, hosts=hosts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
