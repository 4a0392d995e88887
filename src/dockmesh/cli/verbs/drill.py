"""`dockmesh drill`: faults on purpose, predicted, measured and judged."""

from pathlib import Path
from typing import Annotated

import typer

from dockmesh.cli import options
from dockmesh.cli.command import Command, group

app = group(
    """Inject faults into a mesh and measure whether it behaves as predicted.

    Every host pings every other a hundred times a second meanwhile. Before each fault it is predicted from the plan
    who must stay connected, and how long a gap may last; afterwards each
    pair passed, failed, or nobody knows. The hosts are a lab's (`dockmesh lab up`), unless you ask otherwise."""
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
    """Show the faults that there are."""
    from dockmesh.cli.work import drill as work

    work.list_kinds(json=json)


@app.command("run", cls=Command)
def run_drill(
    wanted: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FAULT",
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
        typer.Option(
            metavar="NUMBER", help="Draws what is not said; the same again gives the same.", show_default="by chance"
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(min=1, metavar="NUMBER", help="Draw so many faults, of the kinds that are named, or of all."),
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
        int, typer.Option(min=10, max=100, metavar="MS", help="Between two pings of each host to each other.")
    ] = 10,
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
