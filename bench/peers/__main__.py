"""dockmesh and others side by side in labs: `python -m bench.peers`, as root. `make bench-peers` keeps the figures."""

import argparse
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp

from bench.peers import report, run, table
from bench.peers.contenders.known import CONTENDERS
from bench.peers.record import bench_json
from bench.peers.types import Bench, Measure, Pace
from bench.rows import say
from dockmesh.cli.signals import take_as_ctrl_c
from dockmesh.errors import DockmeshError
from dockmesh.lab.requirements import check_machine

PAGE, PICTURE = "peers.md", "peers.svg"
PROGRAM = ("python", "-m", "bench.peers")


def main(words: Sequence[str]) -> int:
    """The exit code: 1 if a figure could not be taken, 2 for a wrong command line."""
    wanted = _options().parse_args(words)
    check_machine()
    if wanted.out is not None:
        wanted.out.mkdir(parents=True, exist_ok=True)
    # In our order, whatever that of the words.
    contenders = tuple(made for name, made in CONTENDERS.items() if name in (wanted.contender or CONTENDERS))
    measures = tuple(each for each in Measure if each in (wanted.measure or Measure))
    pace = Pace(wanted.runs, wanted.seconds, wanted.watch_seconds, measures)
    with _folder(wanted.dir) as folder:
        for so_far in run.bench(run.BenchOptions(contenders, pace, folder), say=say):
            found = replace(so_far, command=shlex.join((*PROGRAM, *words)))
            if wanted.out is not None:
                # After each: what took minutes to measure is there, whatever becomes of the next.
                (wanted.out / PAGE).write_text(report.page(found, PICTURE), encoding="utf-8")
                (wanted.out / PICTURE).write_text(report.chart(found), encoding="utf-8")
    print(json.dumps(bench_json(found), indent=2) if wanted.json else _tables(found))  # noqa: T201
    return 1 if any(result.failed for result in found.results) else 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=shlex.join(PROGRAM), description=__doc__)
    parser.add_argument("--contender", action="append", choices=tuple(CONTENDERS), help="only this; several times")
    parser.add_argument("--measure", action="append", choices=tuple(map(str, Measure)), help="only this; several times")
    parser.add_argument("--runs", type=int, default=3, help="how often each figure is taken; gaps are measured once")
    parser.add_argument("--seconds", type=int, default=5, help="how long each figure is taken")
    parser.add_argument("--watch-seconds", type=float, default=120, help='silence for so long is called "never"')
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"write {PAGE} and {PICTURE} there")
    parser.add_argument("--dir", type=Path, help="where the labs' disks go meanwhile; a new folder in /tmp by default")
    parser.add_argument("--json", action="store_true", help="print all figures for programs")
    return parser


@contextmanager
def _folder(parent: Path | None) -> Iterator[Path]:
    """For the labs; a lab that could not be taken away stays, and with it the folder."""
    folder = Path(mkdtemp(prefix="dockmesh-bench-", dir=parent))
    try:
        yield folder
    finally:
        with suppress(OSError):
            folder.rmdir()


def _tables(found: Bench) -> str:
    """Two, for one would be wider than most terminals; then what failed."""
    halves = ((table.TRAFFIC, table.traffic), (table.LIFE, table.life))
    parts = [
        table.markdown((table.NAME, *columns), [(result.about.title, *cells(result)) for result in found.results])
        for columns, cells in halves
    ]
    parts.append("× is to the underlay just before and after; CPU of all hosts a gigabit; gaps of 10 ms pings.")
    for result in found.results:
        parts += [f"✗ {result.about.title}, {measure}: {why}" for measure, why in (result.failed or {}).items()]
    return "\n\n".join(parts)


if __name__ == "__main__":
    take_as_ctrl_c()
    try:
        sys.exit(main(sys.argv[1:]))
    except DockmeshError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
