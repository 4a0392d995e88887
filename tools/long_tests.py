"""Run the tests that `make test` leaves out, one file a command, and note how each ended: `make test-long`.

A file that passed stays noted. It runs again when something that it may hang on was changed since, so a run that was
interrupted goes on where it stood.
"""

import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Annotated
from xml.etree import ElementTree as ET

import typer

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "tests/long-results.md"
LOGS = ROOT / ".long-tests"
# A change of anything else is no reason to run a file again; nor one of a file of tests that it takes nothing of.
HANG_ON = ("src", "tests", "pyproject.toml", "requirements.lock")
BUT_FOR = (f":!{RESULTS.relative_to(ROOT)}", ":(exclude,glob)tests/**/test_*.py")
TAKES_OF = re.compile(r"^from (tests[\w.]*\.test_\w+) import ", re.MULTILINE)
# These count every lost ping, and a busy userspace datapath loses some: they run after the others, with nothing beside.
ALONE = tuple(
    f"tests/lab/test_{name}.py"
    for name in ("changes", "direct", "tree", "quiet_changes", "quiet_kernel_tunnels", "encryption")
)
HEAD = """\
# The last run of each file of long tests

Made by `make test-long`: what `make test` leaves out, one file a command.
A file runs again when it, `src`, what all tests share or the locked packages are not those of its commit any more.
Its output is in `.long-tests/` of the checkout that ran it.

| file | passed | failed | skipped | seconds | when (UTC) | commit |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Result:
    """How one file of tests ended."""

    file: str
    passed: int
    failed: int  # errors of fixtures among them
    skipped: int
    seconds: int
    when: str
    commit: str

    def row(self) -> str:
        values = (self.file, self.passed, self.failed, self.skipped, self.seconds, self.when, self.commit)
        return f"| {' | '.join(map(str, values))} |"


def read(text: str) -> dict[str, Result]:
    """The rows of the page, by file."""
    found: dict[str, Result] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 7 and cells[0].startswith("tests/"):
            file, passed, failed, skipped, seconds, when, commit = cells
            found[file] = Result(file, int(passed), int(failed), int(skipped), int(seconds), when, commit)
    return found


def page(results: Iterable[Result]) -> str:
    return HEAD + "".join(f"{result.row()}\n" for result in sorted(results, key=lambda result: result.file))


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(("git", "-C", str(ROOT), *words), capture_output=True, text=True, check=False)


def stands(result: Result) -> bool:
    """Whether it passed, and nothing that it hangs on is another than then."""
    same = all(
        _git("diff", "--quiet", result.commit, "--", *paths).returncode == 0
        for paths in ((*HANG_ON, *BUT_FOR), sorted(taken_of(result.file)))
    )
    return not result.failed and result.passed > 0 and same


def taken_of(file: str) -> set[str]:
    """The file, and files of tests that it takes something of, and so on."""
    found, new = set[str](), {file}
    while new:
        found |= new
        texts = [(ROOT / each).read_text(encoding="utf-8") for each in new if (ROOT / each).exists()]
        new = {f"{name.replace('.', '/')}.py" for text in texts for name in TAKES_OF.findall(text)} - found
    return found


def commit() -> str:
    """The commit that is checked out; its name says so where files differ from it."""
    name = _git("rev-parse", "--short", "HEAD").stdout.strip()
    return (
        name if _git("diff", "--quiet", "HEAD", "--", *HANG_ON, BUT_FOR[0]).returncode == 0 else f"{name} and changes"
    )


def files() -> Iterator[str]:
    """The files that have a long test."""
    argv = (sys.executable, "-m", "pytest", "--collect-only", "-qq", "-m", "long", "tests")
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"pytest cannot collect the tests:\n{done.stdout}{done.stderr}")
    for line in done.stdout.splitlines():
        name, _, count = line.rpartition(": ")
        if count.isdigit():
            yield name


def run(file: str) -> Result:
    """One file's long tests, by a pytest of their own; its output goes into a log beside its result."""
    # Two folders have a test_verify.py.
    name = f"{Path(file).parent.name}-{Path(file).stem}"
    report, log = (LOGS / f"{name}.{ending}" for ending in ("xml", "log"))
    report.unlink(missing_ok=True)
    begun = time.monotonic()
    argv = (sys.executable, "-m", "pytest", "--verbose", "-m", "long", f"--junitxml={report}", file)
    with log.open("w") as output:
        code = subprocess.run(argv, cwd=ROOT, stdout=output, stderr=output, check=False).returncode
    seconds = round(time.monotonic() - begun)
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    if report.exists():
        suite = next(ET.parse(report).getroot().iter("testsuite"))  # noqa: S314 — written by our own pytest
        counts = {name: int(suite.get(name, "0")) for name in counts}
    failed = counts["failures"] + counts["errors"]
    passed = counts["tests"] - failed - counts["skipped"]
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
    return Result(file, passed, failed or int(code != 0), counts["skipped"], seconds, when, commit())


def main(
    named: Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help="Only these.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also what stands.")] = False,
    jobs: Annotated[int, typer.Option(help="So many files at a time.")] = 2,
) -> None:
    LOGS.mkdir(exist_ok=True)
    results = read(RESULTS.read_text()) if RESULTS.exists() else {}
    every = list(files())
    if unknown := sorted(set(named or ()) - set(every)):
        raise SystemExit(f"no long test in {', '.join(unknown)}; there are some in:\n" + "\n".join(every))
    wanted = [file for file in named or every if again or named or file not in results or not stands(results[file])]
    typer.echo(f"{len(every)} files of long tests, {len(wanted)} to run")
    writing = Lock()

    def run_and_note(file: str) -> Result:
        result = run(file)
        with writing:
            results[file] = result
            RESULTS.write_text(page(each for each in results.values() if each.file in every))
            typer.echo(result.row())
        return result

    with ThreadPoolExecutor(jobs) as pool:
        done = list(pool.map(run_and_note, [file for file in wanted if file not in ALONE]))
    done += [run_and_note(file) for file in wanted if file in ALONE]
    wrong = [result.file for result in done if result.failed]
    typer.echo(f"{sum(result.passed for result in done)} passed, {sum(result.failed for result in done)} failed")
    if wrong:
        raise SystemExit("failed: " + ", ".join(wrong) + f"; their output is in {LOGS.name}/")


if __name__ == "__main__":
    typer.run(main)
