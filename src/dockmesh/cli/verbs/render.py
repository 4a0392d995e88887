"""`dockmesh render`."""

from pathlib import Path
from typing import Annotated

import typer

from dockmesh.cli import options


def render(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="Where to write; each host gets a folder in it."),
    ],
    file: options.File = options.DEFAULT_FILE,
    json: options.Json = False,
) -> None:
    """Write the files of each host into a folder, to be installed by other means.

    They are written under DIR/HOST/. Contacts no host. The folders of hosts hold paths as on the host; what is there
    already is replaced, or goes if the
    other renderer made it; a file that dockmesh did not write is an error, and nothing is written then.
    """
    from dockmesh.cli.work import render as work

    work.render(output, file, json=json)
