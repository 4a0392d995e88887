"""The table of the long runs, tests/long-results.md, and the rules by which a row counts.

A row counts if its run passed and the sources that it tests are still the same. A row holds two hashes for that: one of
all of src/, and one of the test's own file with everything that it imports or names. They are hashes of contents, so a
row outlives a rebase, and a run of files that were never committed is no proof of the commit that follows.
"""

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "tests/long-results.md"
# Every row depends on all of src/: nobody has to judge which change can break which test.
SOURCE = ("src", "pyproject.toml", "requirements.lock")
EVERY_TEST = ("tests/conftest.py", "tests/allowed-skips.txt")
# A string in a test that names one of these, as path or as module, is a file that the test uses.
NAMED = re.compile(r"(tests|bench|demo|tools|docs|examples)[./][\w./-]{1,200}")
CHANGED = "changed"  # in place of a hash: the files changed while the run was at work
KILLS = "tests/lab/kills.py"
KILL_MINUTES = 15  # shorter runs do not count
HEAD = """\
# The last run of each file of long tests

`make test-long`, `make test-vm` and `make kills` write this table, a row as soon as its file has ended.
`make test-status` says which rows are red, missing or stale.
A row is stale when `src/`, the test's file or anything that it imports is no longer what ran:
then one of its two hashes differs.
The output of a run is in `.long-tests/` of the checkout that ran it.

| file | run | passed | failed | skipped | seconds | when (UTC) | commit | src | tests |
|---|---|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Result:
    """How one file of tests ended."""

    file: str
    run: str  # "long", "all", or for the kills "15 min, seed 1"
    passed: int
    failed: int  # errors of fixtures and skips that are not allowed among them
    skipped: int
    seconds: int
    when: str
    commit: str
    source: str
    tests: str

    def row(self) -> str:
        counts = (self.passed, self.failed, self.skipped, self.seconds)
        values = (self.file, self.run, *counts, self.when, self.commit, self.source, self.tests)
        return f"| {' | '.join(map(str, values))} |"


class State(StrEnum):
    """Whether a row counts, and if not, why."""

    CURRENT = "current"
    RED = "red"
    MISSING = "missing"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Status:
    """The state of one file's row."""

    file: str
    state: State
    why: str = ""


def read(text: str) -> dict[str, Result]:
    """The rows of the page, by file."""
    found: dict[str, Result] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 10 and cells[0].startswith("tests/"):
            file, run, passed, failed, skipped, seconds, *rest = cells
            found[file] = Result(file, run, int(passed), int(failed), int(skipped), int(seconds), *rest)
    return found


def page(results: Iterable[Result]) -> str:
    return HEAD + "".join(f"{result.row()}\n" for result in sorted(results, key=lambda result: result.file))


def status(file: str, result: Result | None, root: Path = ROOT) -> Status:
    """Whether the row of this file counts."""
    if result is None:
        return Status(file, State.MISSING, "it has no row")
    if result.failed:
        return Status(file, State.RED, f"{result.failed} failed at {result.commit}")
    if not result.passed:
        return Status(file, State.RED, f"nothing passed at {result.commit}")
    if file == KILLS and minutes(result.run) < KILL_MINUTES:
        return Status(file, State.MISSING, f"{result.run}: at least {KILL_MINUTES} min count")
    if CHANGED in (result.source, result.tests):
        return Status(file, State.STALE, "files changed while it ran")
    if result.source != hash_of_source(root):
        return Status(file, State.STALE, f"src/ is not that of {result.commit}")
    if result.tests != hash_of_tests(file, root):
        return Status(file, State.STALE, f"the test or what it imports is not that of {result.commit}")
    return Status(file, State.CURRENT)


def minutes(run: str) -> float:
    number, _, unit = run.partition(" min")
    return float(number) if unit else 0


def statuses(expected: Sequence[str], results: Mapping[str, Result], root: Path = ROOT) -> list[Status]:
    """The states of all rows that there have to be. Rows of other files, which have no long test, are ignored."""
    return [status(file, results.get(file), root) for file in expected]


def hash_of_source(root: Path = ROOT) -> str:
    return _hash(root, SOURCE)


def hash_of_tests(file: str, root: Path = ROOT) -> str:
    return _hash(root, sorted(used_by(file, root)))


def _hash(root: Path, paths: Iterable[str]) -> str:
    """Over the names and contents of files, and of all files in folders."""
    whole = hashlib.sha256()
    for path in paths:
        for each in _files(root / path):
            content = hashlib.sha256(each.read_bytes()).hexdigest()
            whole.update(f"{each.relative_to(root)} {content}\n".encode())
    return whole.hexdigest()[:12]


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(each for each in path.rglob("*") if each.is_file() and "__pycache__" not in each.parts)
    return [path] if path.is_file() else []


def used_by(file: str, root: Path = ROOT) -> set[str]:
    """The file, and the files of the repository outside src/ that it imports or names, and that these do."""
    found, new = set[str](), {file, *EVERY_TEST}
    while new:
        found |= new
        new = {used for each in new if each.endswith(".py") for used in _uses(root, each)} - found
    return found


def _uses(root: Path, file: str) -> Iterator[str]:
    # pytest loads these without an import.
    for folder in Path(file).parents:
        for name in ("conftest.py", "__init__.py"):
            if folder != Path() and (root / folder / name).is_file():
                yield str(folder / name)
    path = root / file
    if path.is_file():
        for name in _names(path, path.stat().st_mtime_ns):
            yield from _resolve(root, name)


@cache
def _names(path: Path, changed: int) -> frozenset[str]:
    """The imported modules, and the strings that may be a module or a path."""
    del changed  # it is there for the cache
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.add(node.value)
    return frozenset(filter(NAMED.fullmatch, names))


def _resolve(root: Path, name: str) -> Iterator[str]:
    """A folder is all files in it; a package is its `__init__.py` and, where it is run, its `__main__.py`."""
    if "/" in name:
        if (root / name).exists():
            yield from (str(each.relative_to(root)) for each in _files(root / name))
        return
    path = name.replace(".", "/")
    for each in (f"{path}.py", f"{path}/__init__.py", f"{path}/__main__.py"):
        if (root / each).is_file():
            yield each


def while_running(before: Result, after_source: str, after_tests: str) -> Result:
    """The result without hashes that are of no one state: what ran may be neither the old files nor the new ones."""
    return replace(
        before,
        source=before.source if before.source == after_source else CHANGED,
        tests=before.tests if before.tests == after_tests else CHANGED,
    )
