"""`dockmesh measure`."""

from typing import Annotated

import typer

from dockmesh.cli import options


def measure(
    *,
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="WHAT",
            help="Measure only this; may be given several times: latency, goodput, all-pairs, packets.",
            show_default="all",
        ),
    ] = None,
    seconds: Annotated[
        int, typer.Option(min=1, max=30, metavar="NUMBER", help="How long each figure is measured.")
    ] = 2,
    pairs: Annotated[
        int, typer.Option(min=1, max=500, metavar="NUMBER", help="How many pairs are measured one after another.")
    ] = 12,
    limit: Annotated[
        int,
        typer.Option(min=10, max=100_000, metavar="MBIT", help="The most that one host sends by TCP, in Mbit/s."),
    ] = 500,
    packets: Annotated[
        int,
        typer.Option(min=100, max=1_000_000, metavar="NUMBER", help="The most datagrams that are sent a second."),
    ] = 20_000,
    yes: options.Yes = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    json: options.Json = False,
) -> None:
    """Measure latency, goodput and packets a second between the hosts of the mesh.

    Between the hosts' addresses in the mesh, so through the tunnels that containers use. This loads hosts and links:
    it says first what it will send, for how long and how much at most, and asks. Nothing is installed or changed,
    and after Ctrl-C hosts end by themselves within the seconds of one figure.
    Exit code 1 if a figure could not be measured; the others are shown.
    """
    from dockmesh.cli.screens import progress
    from dockmesh.cli.work import measure as work
    from dockmesh.measure.types import Pace

    progress.choose(quiet=quiet, verbose=verbose)
    pace = Pace(seconds, limit, packets, pairs, work.figures_of(only))
    work.measure(file, ssh_config, host, pace, yes=yes, json=json)
