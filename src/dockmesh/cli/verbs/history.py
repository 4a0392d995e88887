"""`dockmesh history`."""

from typing import Annotated

import typer

from dockmesh.cli import complete, options


def history(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="Show this run in full; the first characters of its name are enough.",
            show_default=False,
            autocompletion=complete.runs,
        ),
    ] = None,
    *,
    file: options.OwnFile = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
    json: options.Json = False,
) -> None:
    """Show the runs that changed hosts, and how they ended.

    With time, user and changes. They are kept beside the mesh file, in `.dockmesh`.
    With `--host`: what is recorded on the host itself, whoever changed it.
    """
    from dockmesh.cli.work import history as work

    work.history(run, file, ssh_config, host, json=json)
