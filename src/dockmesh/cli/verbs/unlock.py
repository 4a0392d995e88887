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

    A lock ends with the command that took it, and with its connection.
    This is for a command that hangs, or whose machine is gone while its connection still looks open.
    What the command had changed on the host is rolled back at once.
    """
    from dockmesh.cli.work import unlock as work

    work.unlock(host, file, ssh_config)
