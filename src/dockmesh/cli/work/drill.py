"""`dockmesh drill`: faults on purpose, predicted, measured and judged."""

import random
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import typer

from dockmesh.cli import options
from dockmesh.cli.screens.drill import show_history, show_kinds
from dockmesh.cli.show import out, print_json
from dockmesh.cli.work.drill_run import DrillOptions, Work, ask_again, carry_out, choose, harmless, in_lab, on_hosts
from dockmesh.cli.work.lab import DEFAULT_FOLDER
from dockmesh.drill import history, report
from dockmesh.drill.faults import ABOUT
from dockmesh.drill.record import drill_json
from dockmesh.drill.types import FaultKind
from dockmesh.errors import UsageError
from dockmesh.lab import store
from dockmesh.lab.requirements import check_root
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.verify.types import Verdict


@dataclass(frozen=True, slots=True)
class InLab:
    """The hosts of a lab, with every fault that there is."""

    name: str
    directory: Path | None

    @property
    def folder(self) -> Path:
        return self.directory or DEFAULT_FOLDER / self.name


@dataclass(frozen=True, slots=True)
class RealHosts:
    """The hosts of a mesh file, with the faults that are harmless."""

    confirm: str | None
    ssh_config: Path | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the command line said of the faults, beside their names."""

    seed: int | None
    count: int | None
    hold: float | None
    interval: int


def list_kinds(*, json: bool) -> None:
    if not json:
        show_kinds()
        return
    print_json(
        [
            {
                "fault": str(kind),
                "of": about.of,
                "what": about.what,
                "default": f"{about.amount[0]}{about.amount[1]}" if about.amount else None,
                "harmless": about.harmless,
            }
            for kind, about in ABOUT.items()
        ]
    )


def run_drill(wanted: list[str], where: InLab | RealHosts, file: Path | None, drawn: Drawn, *, json: bool) -> None:
    seed = drawn.seed if drawn.seed is not None else random.randrange(10_000)  # noqa: S311  no secret
    if isinstance(where, RealHosts):
        file = file or options.DEFAULT_FILE
        plan = build(load(file))
        faults = choose(plan, wanted, seed, drawn.count, harmless(plan))
        opts = DrillOptions(plan, faults, drawn.hold, drawn.interval)
        ask_again(plan, opts.faults, where.confirm)
        work: Work = partial(on_hosts, opts, where.ssh_config)
    else:
        check_root()
        lab = store.load(where.folder)
        file = file or lab.mesh_file
        plan = build(load(file))
        opts = DrillOptions(plan, choose(plan, wanted, seed, drawn.count, tuple(FaultKind)), drawn.hold, drawn.interval)
        work = partial(in_lab, opts, lab)
    place = "hosts" if isinstance(where, RealHosts) else "lab"
    record = carry_out(opts, work, file, seed=seed, place=place, json=json)
    raise typer.Exit(0 if record.verdict is Verdict.PASS else 1)


def show_drills(file: Path, *, json: bool) -> None:
    records = history.load_all(file)
    if json:
        print_json([drill_json(record) for record in records])
    else:
        show_history(records)


def write_report(run: str | None, file: Path, output: Path | None) -> None:
    record = history.find(file, run)
    target = output or Path(f"drill-{record.run}.html")
    try:
        target.write_text(report.page(record), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}", do="name another place with --output") from error
    out.print(str(target), markup=False)


def file_of(where: InLab, file: Path | None) -> Path:
    return file or where.folder / "dockmesh.yaml"
