"""`dockmesh unlock`."""

from typing import Annotated

import typer

from dockmesh.cli import complete, options


def unlock(
    host: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="HOST", help="Only these hosts.", show_default="all", autocompletion=complete.host_alone
        ),
    ] = None,
    *,
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    yes: options.NeverAsks = False,
) -> None:
    """End a run that hangs and holds a host's lock, and roll it back.

    A lock goes with the command that took it, and with its connection.
    This is for one that hangs, or whose machine went away without a word.
    What the command had begun on the host is taken back at once.
    """
    from dockmesh.cli.work import unlock as work

    work.unlock(host, file, ssh_config)
