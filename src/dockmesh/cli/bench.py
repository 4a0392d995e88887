"""`dockmesh bench`: dockmesh and others side by side in a lab."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

import typer
from rich.table import Table

from bench.peers import report, run, table
from bench.peers.contenders.known import CONTENDERS
from bench.peers.record import bench_json
from bench.peers.types import Bench, Measure, Pace
from dockmesh.cli.show import err, out, print_json
from dockmesh.errors import UsageError
from dockmesh.lab.requirements import check_machine

PAGE, PICTURE = "peers.md", "peers.svg"


def bench(
    contender: list[str] | None,
    measure: list[str] | None,
    pace: Pace,
    output: Path | None,
    directory: Path | None,
    *,
    json: bool,
) -> None:
    chosen, measures = _choose(contender), _choose_measures(measure)
    check_machine()
    if output is not None:
        _make(output)
    pace = replace(pace, measures=measures)
    with _folder(directory) as folder:
        wish = run.Wish(tuple(CONTENDERS[name] for name in chosen), pace, folder)
        for so_far in run.bench(wish, say=lambda text: err.print(text, markup=False)):
            found = replace(so_far, command=shlex.join(("dockmesh", *sys.argv[1:])))
            if output is not None:
                # After each: what took minutes to measure is there, whatever becomes of the next.
                (output / PAGE).write_text(report.page(found, PICTURE), encoding="utf-8")
                (output / PICTURE).write_text(report.chart(found), encoding="utf-8")
    if json:
        print_json(bench_json(found))
    else:
        _show(found)
    raise typer.Exit(1 if any(result.failed for result in found.results) else 0)


@contextmanager
def _folder(parent: Path | None) -> Iterator[Path]:
    """For the labs; a lab that could not be taken away stays, and with it the folder."""
    folder = Path(mkdtemp(prefix="dockmesh-bench-", dir=parent))
    try:
        yield folder
    finally:
        with suppress(OSError):
            folder.rmdir()


def _choose(names: list[str] | None) -> tuple[str, ...]:
    if unknown := [name for name in names or () if name not in CONTENDERS]:
        raise UsageError(f"nobody called {unknown[0]} can be measured", do=f"name some of {', '.join(CONTENDERS)}")
    return tuple(name for name in CONTENDERS if not names or name in names)


def _choose_measures(names: list[str] | None) -> tuple[Measure, ...]:
    if unknown := [name for name in names or () if name not in list(Measure)]:
        raise UsageError(f"{unknown[0]} is nothing that is measured", do=f"name some of {', '.join(Measure)}")
    return tuple(each for each in Measure if not names or each in names)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write to {folder}: {error.strerror}", do="name another place with --out") from error
    if not os.access(folder, os.W_OK):
        raise UsageError(f"cannot write to {folder}", do="name another place with --out")


def _show(found: Bench) -> None:
    """Two tables, for one would be wider than most terminals."""
    halves = ((table.TRAFFIC, table.traffic), (table.LIFE, table.life))
    for columns, cells in halves:
        shown = Table(box=None, pad_edge=False)
        shown.add_column(table.NAME)
        for column in columns:
            shown.add_column(column, justify="right")
        for result in found.results:
            shown.add_row(result.about.title, *cells(result))
        out.print(shown)
        out.print()
    out.print("× is to the underlay just before and after; CPU of all hosts a gigabit; gaps of 10 ms pings.")
    for result in found.results:
        for measure, why in (result.failed or {}).items():
            out.print(f"✗ {result.about.title}, {measure}: {why}", markup=False)
