"""`dockmesh diff`."""

from typing import Annotated

import typer

from dockmesh.cli import options


def diff(
    *,
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="1: something differs; 4: a host could not be read; 0: neither.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Show what differs between file and hosts: changes of the file, and drift.

    Reads every host and changes nothing; `dockmesh apply` puts right what is shown, and touches nothing else.
    Exit code 0, also where something differs, unless --exit-code is given; 1 if a host could not be read.
    """
    from dockmesh.cli.work import diff as work

    work.diff(file, ssh_config, host, exit_code=exit_code, json=json)
