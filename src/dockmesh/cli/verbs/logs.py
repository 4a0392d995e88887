"""`dockmesh logs`."""

from typing import Annotated

import typer

from dockmesh.cli import options
from dockmesh.errors import UsageError


def logs(
    name: options.ContainerName,
    others: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the output until Ctrl-C.")] = False,
    tail: Annotated[
        int | None,
        typer.Option(
            "--tail", "-n", min=0, metavar="NUMBER", help="Only this many lines from the end.", show_default=False
        ),
    ] = None,
    timestamps: Annotated[bool, typer.Option("--timestamps", "-t", help="Show the time before each line.")] = False,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", help="Only output since then, in Docker's format: `10m`, `2026-11-26T12:00:00Z`.", metavar="WHEN"
        ),
    ] = None,
    file: options.LongFile = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
) -> None:
    """Show the output of a container, on whichever host it is.

    As with `docker logs`, -f is --follow here, and the mesh file is named by --file alone.
    Its standard error goes to standard error.
    The exit code is that of `docker logs` there; with --follow 0 when it is ended by Ctrl-C.
    """
    if others:
        raise UsageError(
            f"{name} and {others[0]} are two, and the logs of one container are shown",
            do="say one; -f is --follow here, and the mesh file is named by --file",
        )
    from dockmesh.cli.work import logs as work

    opts = work.LogsOptions(follow=follow, tail=tail, timestamps=timestamps, since=since)
    work.logs(name, opts, file, ssh_config, host)
