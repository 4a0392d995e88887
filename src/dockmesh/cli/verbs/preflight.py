"""`dockmesh preflight`."""

from typing import Annotated

import typer

from dockmesh.cli import options


def preflight(
    *,
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
    everything: Annotated[bool, typer.Option("--all", help="Also show the details of checks that passed.")] = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    json: options.Json = False,
) -> None:
    """Check every host for problems, before anything is changed.

    Sends packets of the tunnels' own kind between the hosts, small ones and full ones.
    A running mesh is not disturbed.
    Exit code 0 if nothing keeps the mesh from being built, warnings allowed.
    Exit code 1 for a blocker, or if a check could not be made.
    """
    from dockmesh.cli.screens import progress
    from dockmesh.cli.work import preflight as work

    progress.choose(quiet=quiet, verbose=verbose)
    work.preflight(file, ssh_config, host, everything=everything, json=json)
