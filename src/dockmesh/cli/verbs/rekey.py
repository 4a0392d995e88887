"""`dockmesh rekey`."""

from typing import Annotated

import typer

from dockmesh.cli import options


def rekey(
    *,
    file: options.OwnFile = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show which keys would change; change nothing.")] = False,
    confirm_timeout: options.ConfirmTimeout = 60,
    yes: options.Yes = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    json: options.Json = False,
) -> None:
    """Give every two linked hosts a new preshared key for their encryption.

    Nothing is interrupted: each pair goes on with its session, and takes the new key with the next handshake.
    A pair of which one end cannot be reached keeps its key. If it is interrupted, run it again.
    Exit code 1 if a host failed; 2 if the hosts are not as the file says.
    """
    from dockmesh.cli.screens import progress
    from dockmesh.cli.work.apply import ApplyOptions, carry_out

    progress.choose(quiet=quiet, verbose=verbose)
    opts = ApplyOptions(
        ssh_config, dry_run, False, yes, json, confirm_timeout, preflight=False, why="rekey", rekey=True
    )
    if carry_out(file, None, opts).failed:
        raise typer.Exit(1)
