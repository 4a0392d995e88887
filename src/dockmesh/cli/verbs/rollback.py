"""`dockmesh rollback`."""

from typing import Annotated

import typer

from dockmesh.cli import complete, options


def rollback(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="Return to the file of this run.",
            show_default="the one before the last",
            autocompletion=complete.runs,
        ),
    ] = None,
    *,
    file: options.OwnFile = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    verify: options.Verify = True,
    confirm_timeout: options.ConfirmTimeout = 60,
    yes: options.Yes = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    json: options.Json = False,
) -> None:
    """Apply the mesh file of an earlier run again.

    The mesh file gets that text and is applied as any change is: shown, asked for, confirmed.
    If it is not carried out, the file stays as it is. The present text stays in the history if it was applied.
    """
    from dockmesh.cli.screens import progress
    from dockmesh.cli.work import rollback as work
    from dockmesh.cli.work.apply import ApplyOptions

    progress.choose(quiet=quiet, verbose=verbose)
    work.rollback(run, file, ApplyOptions(ssh_config, False, verify, yes, json, confirm_timeout))
