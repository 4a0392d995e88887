"""`dockmesh apply`."""

from typing import Annotated

import typer

from dockmesh.cli import options


def apply(
    *,
    file: options.OwnFile = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and why; change nothing.")] = False,
    verify: options.Verify = True,
    restart: Annotated[
        bool,
        typer.Option(
            "--restart/--no-restart",
            help="Whether Docker may be restarted where needed. Without that, new addresses wait, on all hosts.",
        ),
    ] = True,
    preflight: options.Preflight = True,
    confirm_timeout: options.ConfirmTimeout = 60,
    yes: options.Yes = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    json: options.Json = False,
) -> None:
    """Make the mesh real on every host, then verify it.

    Reads every host first, shows what would change, asks, and changes only that. A second run changes nothing.
    A change is kept only if SSH still works afterwards; else the host rolls back by itself.
    Exit code 1 if a host failed, or the verification did.
    """
    from dockmesh.cli.screens import progress
    from dockmesh.cli.work.apply import ApplyOptions, carry_out
    from dockmesh.diff.deferred import Restart

    progress.choose(quiet=quiet, verbose=verbose)
    when = Restart.NOW if restart else Restart.DEFERRED
    opts = ApplyOptions(ssh_config, dry_run, verify, yes, json, confirm_timeout, when, preflight)
    if carry_out(file, host, opts).failed:
        raise typer.Exit(1)
