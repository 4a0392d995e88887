"""`dockmesh rollback`."""

from dataclasses import replace
from difflib import unified_diff
from pathlib import Path

import typer

from dockmesh.cli.show import err
from dockmesh.cli.work.apply import ApplyOptions, carry_out
from dockmesh.cli.work.mesh_file import replace_file
from dockmesh.history.store import before_last, find
from dockmesh.meshfile.load import parse
from dockmesh.meshfile.source import read_bytes


def rollback(run: str | None, file: Path, opts: ApplyOptions) -> None:
    record = find(file, run) if run else before_last(file)
    after = record.file.encode()
    parse(str(file), after)  # a later dockmesh may refuse what an earlier one took
    before = read_bytes(file) if file.exists() else b""
    if not opts.json:
        now = before.decode(errors="replace").splitlines()
        for line in unified_diff(now, record.file.splitlines(), "now", record.run, lineterm=""):
            err.print(line, markup=False)
    if not file.exists():
        file.touch()
    replace_file(file, before, after)
    why = f"rollback to {record.run}"
    kept = False
    try:
        result = carry_out(file, None, replace(opts, why=why))
        # Once begun, the file says what was wanted, and another apply goes on.
        kept = bool(result.outcomes) or not result.errors
    finally:
        if not kept:
            replace_file(file, after, before)
            err.print(f"{file} is as it was.", markup=False)
    if result.failed:
        raise typer.Exit(1)
