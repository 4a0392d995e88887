"""`dockmesh context`."""

from pathlib import Path
from typing import Annotated

import typer

from dockmesh.cli import options
from dockmesh.cli.command import Command, group

app = group("Write contexts for Docker's command line, one for each host.")


@app.command(cls=Command)
def create(
    *,
    file: options.OwnFile = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
    prefix: Annotated[
        str | None,
        typer.Option("--prefix", help="Prefix of the names, in place of the mesh's name and `-`."),
    ] = None,
    api: Annotated[
        Path | None,
        typer.Option(
            "--api",
            help="Over TLS to the hosts' addresses in the mesh, with the certificate in this folder, which "
            "`dockmesh access create` wrote; from a machine that is in the mesh.",
            metavar="DIR",
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Write a Docker context for each host, over SSH: `docker --context MESH-HOST ps`.

    Contacts no host, and nothing listens on the hosts for it.
    Run again, it updates them from the file; a context that is not dockmesh's is never overwritten.
    """
    from dockmesh.cli.work import context as work

    work.create(file, ssh_config, host, prefix, api, json=json)


@app.command(cls=Command)
def remove(
    *,
    file: options.OwnFile = options.DEFAULT_FILE,
    ssh_config: Annotated[  # a line that creates them removes them with one word changed
        Path | None, typer.Option("--ssh-config", help="As for `create`; no host is contacted.", metavar="FILE")
    ] = None,
    host: options.Hosts = None,
    yes: options.NeverAsks = False,
    json: options.Json = False,
) -> None:
    """Remove the contexts that were made of this mesh file, also of hosts that it no longer has.

    Contacts no host; the mesh file itself need not be there any more.
    """
    from dockmesh.cli.work import context as work

    work.remove(file, host, json=json)
