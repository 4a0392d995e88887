"""`dockmesh rollback`."""

from difflib import unified_diff
from typing import Annotated

import typer

from dockmesh.cli import options
from dockmesh.cli.apply import Wish, carry_out
from dockmesh.cli.show import err
from dockmesh.history.store import before_last, find, replace_text
from dockmesh.spec.load import parse


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
    parse(str(file), record.file.encode())  # a later dockmesh may refuse what an earlier one took
    now = file.read_text(encoding="utf-8")
    if not json:
        for line in unified_diff(now.splitlines(), record.file.splitlines(), "now", record.run, lineterm=""):
            err.print(line, markup=False)
    replace_text(file, record.file)
    done = False
    try:
        carry_out(
            file, None, Wish(ssh_config, False, verify, yes, json, confirm_timeout, why=f"rollback to {record.run}")
        )
        done = True
    except typer.Exit:
        done = True  # it was begun: the file says what was wanted, and another apply goes on
        raise
    finally:
        if not done:
            replace_text(file, now)
            err.print(f"{file} is as it was.", markup=False)
