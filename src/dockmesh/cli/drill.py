"""`dockmesh drill`: faults on purpose, foretold, measured and judged."""

import random
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from dockmesh.cli import options
from dockmesh.cli.drill_run import Wish, Work, ask_again, carry_out, choose, harmless, in_lab, on_hosts
from dockmesh.cli.drill_screen import show_history, show_kinds
from dockmesh.cli.lab import DEFAULT_FOLDER
from dockmesh.cli.show import out, print_json
from dockmesh.drill import history, report
from dockmesh.drill.faults import ABOUT
from dockmesh.drill.predict import INTERVAL_MS
from dockmesh.drill.record import drill_json
from dockmesh.drill.types import Kind
from dockmesh.errors import UsageError
from dockmesh.lab import store
from dockmesh.lab.requirements import check_root
from dockmesh.plan.build import build
from dockmesh.spec.load import load
from dockmesh.verify.types import Verdict

app = typer.Typer(
    no_args_is_help=True,
    help="""Harm a mesh on purpose, while every host pings every other a hundred times a second, and heal it.

    Before each fault it is foretold from the plan who must stay connected, and how long a gap may last; afterwards each
    pair passed, failed, or nobody knows. The hosts are a lab's (`dockmesh lab up`), unless you ask otherwise.""",
)

Name = Annotated[str, typer.Option("--name", metavar="LAB", help="Which lab.")]
Directory = Annotated[
    Path | None, typer.Option("--dir", metavar="DIR", help="The lab's folder.", show_default=f"{DEFAULT_FOLDER}/LAB")
]
File = Annotated[
    Path | None, typer.Option("--file", "-f", help="The mesh file.", show_default="dockmesh.yaml in the lab's folder")
]


@app.command("list")
def list_kinds(*, as_json: options.Json = False) -> None:
    """Show the faults that there are."""
    if not as_json:
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


@app.command("run")
def run_drill(
    wanted: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FAULT…",
            help="As `dockmesh drill list` shows them: cut:host1,host2. Without a colon the seed chooses where.",
            show_default=False,
        ),
    ] = None,
    *,
    name: Name = "lab",
    directory: Directory = None,
    file: File = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Draws what is not said; the same again gives the same.", show_default="by chance"),
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="Draw so many faults, of the kinds that are named, or of all.")
    ] = None,
    hold: Annotated[
        float | None,
        typer.Option(
            min=1, max=300, metavar="SECONDS", help="How long a fault lasts.", show_default="as long as a gap may be"
        ),
    ] = None,
    interval: Annotated[
        int, typer.Option(min=10, max=100, metavar="MS", help="Between two pings of each host to each other.")
    ] = INTERVAL_MS,
    real_hosts: Annotated[
        bool,
        typer.Option(
            "--real-hosts", help="Not a lab's, but the hosts of --file: with the faults that are harmless only."
        ),
    ] = False,
    confirm: Annotated[
        str | None,
        typer.Option(metavar="MESH", help="Its name, once more: with --real-hosts, where nobody is there to be asked."),
    ] = None,
    ssh_config: options.SshConfig = None,
    json: options.Json = False,
) -> None:
    """Make one fault after another, and judge each.

    Ctrl-C heals the fault before it ends. Exit code 0 only if every verdict is pass: what could not be measured is
    unknown, and that is no pass.

    On real hosts only packets of tunnels are dropped, and each host heals itself after a while, whatever becomes of us.
    """
    seed = seed if seed is not None else random.randrange(10_000)  # noqa: S311  no secret
    if real_hosts:
        file = file or options.DEFAULT_FILE
        plan = build(load(file))
        wish = Wish(plan, choose(plan, wanted or [], seed, count, harmless(plan)), hold, interval)
        ask_again(plan, wish.faults, confirm)
        work: Work = partial(on_hosts, wish, ssh_config)
    else:
        check_root()
        lab = store.load(directory or DEFAULT_FOLDER / name)
        file = file or lab.mesh_file
        plan = build(load(file))
        wish = Wish(plan, choose(plan, wanted or [], seed, count, tuple(Kind)), hold, interval)
        work = partial(in_lab, wish, lab)
    record = carry_out(wish, work, file, seed=seed, place="hosts" if real_hosts else "lab", json=json)
    raise typer.Exit(0 if record.verdict is Verdict.PASS else 1)


@app.command("history")
def show_drills(
    *, name: Name = "lab", directory: Directory = None, file: File = None, json: options.Json = False
) -> None:
    """Show the drills that were made with a mesh file, and their verdicts."""
    records = history.load_all(_file(name, directory, file))
    if json:
        print_json([drill_json(record) for record in records])
    else:
        show_history(records)


@app.command("report")
def write_report(
    run: Annotated[
        str | None, typer.Argument(help="Which drill, or the beginning of its name.", show_default="the last")
    ] = None,
    *,
    name: Name = "lab",
    directory: Directory = None,
    file: File = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", show_default="drill-RUN.html", help="Where to.")
    ] = None,
) -> None:
    """Write a drill as one page of HTML, with a timeline of every pair. It needs no network and runs no script."""
    record = history.find(_file(name, directory, file), run)
    target = output or Path(f"drill-{record.run}.html")
    try:
        target.write_text(report.page(record), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror}", do="name another place with --output") from error
    out.print(str(target), markup=False)


def _file(name: str, directory: Path | None, file: Path | None) -> Path:
    return file or (directory or DEFAULT_FOLDER / name) / "dockmesh.yaml"
