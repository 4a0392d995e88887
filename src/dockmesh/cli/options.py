"""Options that mean the same in every verb."""

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Option("--file", "-f", help="The mesh file.", show_default=True)]
SshConfig = Annotated[
    Path | None,
    typer.Option(
        "--ssh-config",
        help="Read this ssh_config in place of ~/.ssh/config and the system's.",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines and nothing else.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Verify = Annotated[
    bool, typer.Option("--verify/--no-verify", help="Whether to prove the mesh after a change of all its hosts.")
]
ConfirmTimeout = Annotated[
    int,
    typer.Option(
        min=10, help="Seconds after which a host that hears nothing of us goes back to what it was.", metavar="SECONDS"
    ),
]
Hosts = Annotated[
    list[str] | None, typer.Option("--host", help="Only this host; may be given several times.", metavar="NAME")
]
Preflight = Annotated[
    bool,
    typer.Option(
        "--preflight/--no-preflight", help="Whether a host that is new to the mesh is looked at for what keeps it out."
    ),
]

DEFAULT_FILE = Path("dockmesh.yaml")
