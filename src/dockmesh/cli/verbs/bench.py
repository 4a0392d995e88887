"""`dockmesh bench`: dockmesh and others side by side in a lab."""

from pathlib import Path
from typing import Annotated

import typer

from dockmesh.cli import options


def bench(
    *,
    contender: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only this one; may be given several times: underlay, dockmesh-direct, dockmesh-rstp, by-hand, swarm, "
            "tinc, nebula, ovn.",
            show_default="all",
        ),
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHAT",
            help="Measure only this; may be given several times: latency, goodput, all-pairs, packets, cut, crash.",
            show_default="all",
        ),
    ] = None,
    runs: Annotated[
        int, typer.Option(min=1, metavar="NUMBER", help="How often each figure is taken; gaps are measured once.")
    ] = 3,
    seconds: Annotated[int, typer.Option(min=1, metavar="NUMBER", help="How long each figure is taken.")] = 5,
    watch_seconds: Annotated[
        int,
        typer.Option(
            min=5, metavar="NUMBER", help='How long silence is watched after a fault before it is called "never".'
        ),
    ] = 120,
    output: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write peers.md and peers.svg there.", file_okay=False),
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir", metavar="DIR", help="Where the labs' disks go meanwhile.", show_default="a new folder in /tmp"
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Measure dockmesh and other ways to join hosts, side by side, each in a fresh lab of three hosts.

    Latency, goodput of each pair and of all at once, small packets, processor time, MTU, the time until all containers
    reach each other; then the silence when a link is cut and healed, and when a host crashes and comes back. Each
    figure stands beside that of the bare underlay. Needs root; the first run downloads packages.

    A figure that could not be taken is left out, with the reason, and makes the exit code 1.
    """
    from bench.peers.types import Pace
    from dockmesh.cli import bench as work

    work.bench(contender, measure, Pace(runs, seconds, float(watch_seconds)), output, directory, json=json)
