"""`dockmesh rollback`."""

from difflib import unified_diff
from typing import Annotated

import typer

from dockmesh.cli import options
from dockmesh.cli.apply import Wish, carry_out
from dockmesh.cli.mesh_file import replace_file
from dockmesh.cli.show import err
from dockmesh.history.store import before_last, find
from dockmesh.spec.load import parse
from dockmesh.spec.source import read_bytes


def rollback(
    run: Annotated[
        str | None, typer.Argument(help="Go back to what this run made real; else to the one before the last.")
    ] = None,
    *,
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    verify: options.Verify = True,
    confirm_timeout: options.ConfirmTimeout = 60,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Make an earlier run's mesh file real again.

    The mesh file gets that text and is applied, as any change is: shown, asked for, confirmed.
    If it is not carried out, the file is as it was. The text of now stays in the history if it was applied.
    """
    record = find(file, run) if run else before_last(file)
    after = record.file.encode()
    parse(str(file), after)  # a later dockmesh may refuse what an earlier one took
    before = read_bytes(file) if file.exists() else b""
    if not json:
        now = before.decode(errors="replace").splitlines()
        for line in unified_diff(now, record.file.splitlines(), "now", record.run, lineterm=""):
            err.print(line, markup=False)
    if not file.exists():
        file.touch()
    replace_file(file, before, after)
    why = f"rollback to {record.run}"
    kept = False
    try:
        result = carry_out(file, None, Wish(ssh_config, False, verify, yes, json, confirm_timeout, why=why))
        # Once begun, the file says what was wanted, and another apply goes on.
        kept = bool(result.outcomes) or not result.errors
    finally:
        if not kept:
            replace_file(file, after, before)
            err.print(f"{file} is as it was.", markup=False)
    if result.failed:
        raise typer.Exit(1)
