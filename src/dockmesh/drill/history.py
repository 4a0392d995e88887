"""The drills of one mesh file, in a file beside it: a line of JSON each, the oldest first."""

import json
from pathlib import Path

from dockmesh.drill.record import DrillRecord, drill_json, read_drill
from dockmesh.errors import UsageError
from dockmesh.history.held import held
from dockmesh.history.store import folder_of, ignore_folder, replace_text

FILE = "drills.jsonl"
KEPT = 100  # drills; the oldest go first


def path_of(file: Path) -> Path:
    return folder_of(file) / FILE


def save(file: Path, record: DrillRecord) -> None:
    """Raises OSError where the folder cannot be written."""
    path = ignore_folder(file) / FILE
    with held(path.with_name(f"{FILE}.lock")):  # two drills that end together keep both
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        lines.append(json.dumps(drill_json(record), ensure_ascii=False))
        replace_text(path, "".join(line + "\n" for line in lines[-KEPT:]), 0o600)


def load_all(file: Path) -> tuple[DrillRecord, ...]:
    """The oldest first; what is no record is left out."""
    try:
        lines = path_of(file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    return tuple(record for record in map(_read, lines) if record is not None)


def find(file: Path, run: str | None) -> DrillRecord:
    """The drill of that name, or of the only name that begins so; without a name the last.

    Raises UsageError.
    """
    records = load_all(file)
    if not records:
        raise UsageError(f"no drill was run with {file}", do="dockmesh drill run cut")
    if run is None:
        return records[-1]
    found = [record for record in records if record.run.startswith(run)]
    if len(found) == 1:
        return found[0]
    raise UsageError(
        f"there is no drill {run}" if not found else f"{len(found)} drills begin with {run}",
        do="`dockmesh drill history` shows those of this file",
    )


def _read(line: str) -> DrillRecord | None:
    try:
        return read_drill(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
