"""`dockmesh logs`."""

import sys
from typing import Annotated

import typer

from dockmesh.cli import options
from dockmesh.cli.in_container import Order, run
from dockmesh.containers.types import Container


def logs(
    name: options.ContainerName,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what it says from now on, until Ctrl-C.")
    ] = False,
    tail: Annotated[
        int | None, typer.Option("--tail", min=0, help="Only so many lines from the end.", show_default=False)
    ] = None,
    timestamps: Annotated[bool, typer.Option("--timestamps", "-t", help="Put its time before each line.")] = False,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", help="Only from then on, as Docker takes it: `10m`, `2026-11-26T12:00:00Z`.", metavar="WHEN"
        ),
    ] = None,
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
) -> None:
    """Show what a container printed, on whatever host it is.

    What it printed on standard error comes on standard error.
    The exit code is that of `docker logs` there; with --follow 0 when it is ended by Ctrl-C.
    """

    def words(container: Container) -> tuple[str, ...]:
        return (
            *("docker", "logs"),
            *(("--follow",) if follow else ()),
            *(("--tail", str(tail)) if tail is not None else ()),
            *(("--timestamps",) if timestamps else ()),
            *(("--since", since) if since is not None else ()),
            container.id,
        )

    try:
        code = run(name, Order("logs", words), file, ssh_config, host)
    except KeyboardInterrupt:
        if not follow:
            raise
        code = 0
    sys.exit(code)  # whatever it is: 130 of a command is no Ctrl-C of ours
