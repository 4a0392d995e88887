"""Run the tests that `make test` leaves out, and note how each file ended.

`make test-long` and `make test-vm` run only the files without a row that counts, and write a row as soon as a file has
ended: after an interruption they continue. `make kills` writes a row, too. `make test-status` lists what is left.
tools/long_results.py has the rules.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Annotated

import typer

from tests.support.alone import ALONE
from tools.long_results import (
    KILL_MINUTES,
    KILLS,
    RESULTS,
    ROOT,
    SOURCE,
    Result,
    State,
    hash_of_source,
    hash_of_tests,
    page,
    read,
    statuses,
    while_running,
)

LOGS = ROOT / ".long-tests"
VM = "tests/lab_vm/"
COUNT_AGAIN_S = 0.5
app = typer.Typer(add_completion=False, no_args_is_help=True)
Files = Annotated[
    list[str] | None, typer.Argument(metavar="[FILE]...", help="Run only these, whatever their rows say.")
]
_writing = Lock()


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(("git", "-C", str(ROOT), *words), capture_output=True, text=True, check=False)


def commit() -> str:
    """The commit that is checked out; its name says so where files differ from it."""
    name = _git("rev-parse", "--short=8", "HEAD").stdout.strip()
    same = _git("diff", "--quiet", "HEAD", "--", *SOURCE, "tests", f":!{RESULTS.relative_to(ROOT)}").returncode == 0
    return name if same else f"{name} and changes"


def files_with(*options: str) -> list[str]:
    """The files of tests that pytest finds with these options."""
    argv = (sys.executable, "-m", "pytest", "--collect-only", "-qq", *options)
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"pytest cannot collect the tests:\n{done.stdout}{done.stderr}")
    counts = (line.rpartition(": ") for line in done.stdout.splitlines())
    return [name for name, _, count in counts if count.isdigit()]


def long_files() -> list[str]:
    """The files that have a long test; those on virtual machines run whole, by `make test-vm`."""
    return [file for file in files_with("-m", "long", "tests") if not file.startswith(VM)]


def vm_files() -> list[str]:
    return files_with(VM)


def noted() -> dict[str, Result]:
    return read(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}


def note(result: Result) -> None:
    """Write its row. The page is read again each time: another run may have written to it."""
    with _writing:
        whole = page({**noted(), result.file: result}.values())
        beside = RESULTS.with_suffix(".new")
        beside.write_text(whole, encoding="utf-8")
        beside.replace(RESULTS)
        typer.echo(f"{'red ' if result.failed else ''}{result.row()}")


def begun(file: str, run: str) -> Result:
    """The row of a run that begins now, without its outcome."""
    return Result(file, run, 0, 0, 0, 0, "", commit(), hash_of_source(), hash_of_tests(file))


def ended(result: Result) -> Result:
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M}"
    return while_running(replace(result, when=when), hash_of_source(), hash_of_tests(result.file))


def run(files: list[str], kind: str, *options: str) -> Iterator[Result]:
    """Run these files by one pytest; yield the result of each file as soon as it has ended."""
    LOGS.mkdir(exist_ok=True)
    # Two folders have a test_verify.py.
    name = f"{Path(files[0]).parent.name}-{Path(files[0]).stem}" if len(files) == 1 else Path(files[0]).parent.name
    log, counts = LOGS / f"{name}.log", LOGS / f"{name}.counts"
    counts.write_text("")
    rows = {file: begun(file, kind) for file in files}
    argv = (sys.executable, "-m", "pytest", "-p", "tools.pytest_counts", "--verbose", *options, *files)
    failed = 0
    with log.open("w") as output:
        pytest = subprocess.Popen(
            argv, cwd=ROOT, env={**os.environ, "DOCKMESH_COUNTS": str(counts)}, stdout=output, stderr=output
        )
        seen = 0
        while True:
            code = pytest.poll()
            lines = counts.read_text().splitlines()
            # The last file's row waits for the end of pytest: what it says of the whole run is said there.
            for line in lines[seen : len(lines) if code is not None else len(files) - 1]:
                seen += 1
                ending = json.loads(line)
                failed += ending["failed"]
                if code and seen == len(files) and not failed:
                    ending["failed"] = 1
                yield ended(replace(rows[ending.pop("file")], **ending))
            if code is not None:
                break
            time.sleep(COUNT_AGAIN_S)
    if seen < len(files):
        typer.echo(f"{', '.join(files[seen:])}: no result, pytest ended with {code}; see {log.relative_to(ROOT)}")


def chosen(every: list[str], named: list[str] | None) -> list[str]:
    if unknown := sorted(set(named or ()) - set(every)):
        raise SystemExit(f"no such test in {', '.join(unknown)}; there are some in:\n" + "\n".join(every))
    left = {each.file for each in statuses(every, noted()) if each.state is not State.CURRENT}
    wanted = named or [file for file in every if file in left]
    typer.echo(f"{len(every)} files, {len(wanted)} to run")
    return wanted


def conclude(wanted: Iterable[str], done: list[Result]) -> None:
    """Exit with an error unless each of the files ran and passed."""
    wrong = [result.file for result in done if result.failed or not result.passed]
    missing = sorted(set(wanted) - {result.file for result in done})
    typer.echo(f"{sum(result.passed for result in done)} passed, {sum(result.failed for result in done)} failed")
    if wrong or missing:
        raise SystemExit(f"red: {', '.join(wrong) or 'none'}; no result: {', '.join(missing) or 'none'}")


def run_and_note(files: list[str], kind: str, *options: str) -> list[Result]:
    done = []
    for result in run(files, kind, *options):
        note(result)
        done.append(result)
    return done


@app.command("long")
def run_long(
    named: Files = None, jobs: Annotated[int, typer.Option(help="Run this many files at a time.")] = 2
) -> None:
    """Run the long tests that have no row that counts."""
    wanted = chosen(long_files(), named)
    with ThreadPoolExecutor(jobs) as pool:
        work = [pool.submit(run_and_note, [file], "long", "-m", "long") for file in wanted if file not in ALONE]
        done = [result for each in work for result in each.result()]
    done += [result for file in wanted if file in ALONE for result in run_and_note([file], "long", "-m", "long")]
    conclude(wanted, done)


@app.command("vm")
def run_vm(named: Files = None) -> None:
    """Run the tests on virtual machines that have no row that counts, all on the same machines."""
    wanted = chosen(vm_files(), named)
    conclude(wanted, run_and_note(wanted, "all") if wanted else [])


@app.command("kills")
def run_kills(
    minutes: Annotated[float, typer.Option(help="Begin no round after this time.")] = KILL_MINUTES,
    seed: Annotated[int, typer.Option(help="Choose other moments with another one.")] = 1,
) -> None:
    """Kill at random moments, whatever its row says."""
    LOGS.mkdir(exist_ok=True)
    counts = LOGS / "kills.counts"
    counts.unlink(missing_ok=True)
    row, began = begun(KILLS, f"{minutes:g} min, seed {seed}"), time.monotonic()
    argv = (sys.executable, "-m", "tests.lab.kills", "--minutes", str(minutes), "--seed", str(seed))
    code = subprocess.run((*argv, "--counts", str(counts)), cwd=ROOT, check=False).returncode
    if not counts.exists():
        raise SystemExit(f"the kills did not come to their end: exit {code}")
    ending = json.loads(counts.read_text())
    seconds = round(time.monotonic() - began)
    result = ended(replace(row, **ending, seconds=seconds))
    note(result)
    conclude([KILLS], [result])


@app.command("status")
def show_status() -> None:
    """List the rows that are red, missing or stale; exit with 1 if there are any."""
    results = noted()
    commands = {"make test-long": long_files(), "make test-vm": vm_files(), "make kills": [KILLS]}
    every = [file for files in commands.values() for file in files]
    left = [each for each in statuses(every, results) if each.state is not State.CURRENT]
    for state in (State.RED, State.MISSING, State.STALE):
        for each in left:
            if each.state is state:
                typer.echo(f"{state:8} {each.file}: {each.why}")
    skipped = [f"{file} ({results[file].skipped})" for file in every if file in results and results[file].skipped]
    if skipped:
        typer.echo(f"skipped tests, for reasons that tests/allowed-skips.txt names: {', '.join(skipped)}")
    name = RESULTS.relative_to(ROOT)
    if left:
        names = {each.file for each in left}
        typer.echo(
            f"{name} is not complete at {commit()}: {len(left)} of {len(every)} rows do not count. Run them with:"
        )
        for command, files in commands.items():
            if count := len(names & set(files)):
                typer.echo(f"  {command:15}  # {count} of {len(files)}")
        raise typer.Exit(1)
    typer.echo(f"{name} is complete at {commit()}: all {len(every)} rows passed with these sources")


if __name__ == "__main__":
    app()
