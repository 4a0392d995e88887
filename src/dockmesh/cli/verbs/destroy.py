"""`dockmesh destroy`."""

from typing import Annotated

import typer

from dockmesh.cli import options


def destroy(
    *,
    file: options.OwnFile = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
    packages: Annotated[
        bool, typer.Option("--packages", help="Also remove the packages that dockmesh installed.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed and why; change nothing.")
    ] = False,
    yes: options.Yes = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    json: options.Json = False,
) -> None:
    """Leave the hosts as they were before the first apply.

    Removes dockmesh's bridge, tunnels, units, files and settings, and restores what they replaced.
    What has no mark of dockmesh is not touched.
    If it is interrupted, run it again: it continues where it stopped. A host that is down can be done later.
    """
    from dockmesh.cli.screens import progress
    from dockmesh.cli.work import destroy as work

    progress.choose(quiet=quiet, verbose=verbose)
    work.destroy(file, host, work.DestroyOptions(ssh_config, packages, dry_run, yes, json))
