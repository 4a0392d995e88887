"""`dockmesh ps`."""

from typing import Annotated

import typer

from dockmesh.cli import options


def ps(
    *,
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
    all_: Annotated[bool, typer.Option("--all", "-a", help="Also show containers that are not running.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show only IDs, as `dockmesh logs` and `exec` take them.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Show the containers of all hosts.

    With image, state, address in the mesh and published ports.
    Asks every host's Docker once and changes nothing.
    Exit code 1 if a host or its Docker does not answer; the others are shown.
    """
    from dockmesh.cli.work import ps as work

    work.ps(
        file,
        ssh_config,
        host,
        stopped=all_,
        show=work.Show.JSON if json else work.Show.IDS if quiet else work.Show.TABLE,
    )
