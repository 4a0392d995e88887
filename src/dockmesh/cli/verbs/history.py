"""`dockmesh history`."""

from typing import Annotated

import typer

from dockmesh.cli import complete, options


def history(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="Show all of this run; the beginning of its name is enough.",
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

    With when, by whom and what. They are kept beside the mesh file, in `.dockmesh`.
    With `--host`, what the host itself remembers, of all who changed it.
    """
    from dockmesh.cli.work import history as work

    work.history(run, file, ssh_config, host, json=json)
