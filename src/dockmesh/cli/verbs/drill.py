"""`dockmesh drill`: faults on purpose, predicted, measured and judged."""

from pathlib import Path
from typing import Annotated

import typer

from dockmesh.cli import options
from dockmesh.cli.command import Command, group

app = group(
    """Inject faults into a mesh and measure whether it behaves as predicted.

    Meanwhile every host pings every other a hundred times a second. Before each fault the plan predicts which pairs
    must stay connected, and how long an outage may last; afterwards each pair is pass, fail or unknown. The hosts are
    a lab's (`dockmesh lab up`), unless --real-hosts is given."""
)

Name = Annotated[str, typer.Option("--name", metavar="LAB", help="Which lab.")]
Directory = Annotated[
    Path | None, typer.Option("--dir", metavar="DIR", help="The lab's folder.", show_default=".dockmesh-lab/LAB")
]
File = Annotated[
    Path | None,
    typer.Option(
        "--file", "-f", metavar="FILE", help="The mesh file.", show_default="dockmesh.yaml in the lab's folder"
    ),
]


@app.command("list", cls=Command)
def list_kinds(*, json: options.Json = False) -> None:
    """Show the available faults."""
    from dockmesh.cli.work import drill as work

    work.list_kinds(json=json)


@app.command("run", cls=Command)
def run_drill(
    wanted: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FAULT",
            help="As `dockmesh drill list` shows them: cut:host1,host2. Without a colon the place is chosen at random.",
            show_default=False,
        ),
    ] = None,
    *,
    name: Name = "lab",
    directory: Directory = None,
    file: File = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER", help="Seed of random choices: the same gives the same drill.", show_default="random"
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(min=1, metavar="NUMBER", help="Choose this many faults at random, of the named kinds or of all."),
    ] = None,
    hold: Annotated[
        float | None,
        typer.Option(
            min=1,
            max=300,
            metavar="SECONDS",
            help="How long a fault lasts.",
            show_default="as long as an outage may be",
        ),
    ] = None,
    interval: Annotated[
        int, typer.Option(min=10, max=100, metavar="MS", help="Time between two pings of a pair of hosts.")
    ] = 10,
    real_hosts: Annotated[
        bool,
        typer.Option(
            "--real-hosts", help="Use the hosts of --file instead of a lab's, with only the faults that are safe there."
        ),
    ] = False,
    confirm: Annotated[
        str | None,
        typer.Option(metavar="MESH", help="The name of the mesh: confirms --real-hosts without a prompt."),
    ] = None,
    ssh_config: options.SshConfig = None,
    json: options.Json = False,
) -> None:
    """Make one fault after another, and judge each.

    Ctrl-C heals the fault before it ends. Exit code 0 only if every verdict is pass: what could not be measured is
    unknown, which is not a pass.

    On real hosts only packets of tunnels are dropped, and each host heals itself after a while in any case.
    """
    from dockmesh.cli.work import drill as work

    where = work.RealHosts(confirm, ssh_config) if real_hosts else work.InLab(name, directory)
    work.run_drill(wanted or [], where, file, work.Drawn(seed, count, hold, interval), json=json)


@app.command("history", cls=Command)
def show_drills(
    *, name: Name = "lab", directory: Directory = None, file: File = None, json: options.Json = False
) -> None:
    """Show the drills that were made with a mesh file, and their verdicts."""
    from dockmesh.cli.work import drill as work

    work.show_drills(work.file_of(work.InLab(name, directory), file), json=json)


@app.command("report", cls=Command)
def write_report(
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="Which drill, or the beginning of its name.", show_default="the last"),
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
    from dockmesh.cli.work import drill as work

    work.write_report(run, work.file_of(work.InLab(name, directory), file), output)
