"""`dockmesh status`."""

from typing import Annotated

import typer

from dockmesh.cli import options


def status(
    *,
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every two seconds, over the same connections, until Ctrl-C.")
    ] = False,
    svg: options.Svg = None,
    json: options.Json = False,
) -> None:
    """Show the mesh as it is now: hosts, tunnels, paths, drift, locks; and what is wrong.

    Asks every host once and changes nothing. Sends nothing through the mesh: that is what `dockmesh verify` does.
    Exit code 1 if anything is not right; with --watch 0 when it is ended by Ctrl-C.
    """
    from dockmesh.cli.work import status as work

    work.status(file, ssh_config, host, svg, watch=watch, json=json)
