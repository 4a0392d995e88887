"""`dockmesh access`."""

from pathlib import Path
from typing import Annotated

import typer

from dockmesh.access.lifetimes import CLIENT_DAYS
from dockmesh.cli import options
from dockmesh.cli.command import Command, group

app = group(
    """Give and revoke access to Docker's API on the hosts.

    The API is open where the mesh file has `docker_api`. Access means root on every host."""
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The client's name, of your own choice.", show_default=False)]


@app.command(cls=Command)
def create(
    name: Name,
    *,
    file: options.OwnFile = options.DEFAULT_FILE,
    days: Annotated[int, typer.Option(min=1, max=1825, help="How long the certificate is valid.")] = CLIENT_DAYS,
    again: Annotated[bool, typer.Option("--again", help="Make another certificate for a name that has one.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Where to write it, in place of a folder beside the history.", metavar="DIR"
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Give access: write the ca.pem, cert.pem and key.pem that Docker's clients take as DOCKER_CERT_PATH.

    Contacts no host. These files mean root on every host of the mesh, until the certificate expires or is revoked.
    """
    from dockmesh.cli.work import access as work

    work.create(name, file, days, output, again=again, json=json)


@app.command("list", cls=Command)
def list_(*, file: options.OwnFile = options.DEFAULT_FILE, json: options.Json = False) -> None:
    """Show who has access, until when, and whose access was revoked. Contacts no host."""
    from dockmesh.cli.work import access as work

    work.list_(file, json=json)


@app.command(cls=Command)
def revoke(
    name: Name,
    *,
    file: options.OwnFile = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    later: Annotated[
        bool, typer.Option("--later", help="Contact no host: the next apply revokes the access on the hosts.")
    ] = False,
    yes: options.NeverAsks = False,
    json: options.Json = False,
) -> None:
    """Revoke access on all hosts at once, with all certificates of that name.

    Open connections through the API end on every host, those of other clients too.
    Exit code 1 if a host could not be told: access there lasts until an apply reaches it.
    """
    from dockmesh.cli.work import access as work

    work.revoke(name, file, ssh_config, later=later, json=json)


@app.command(cls=Command)
def rotate(
    *, file: options.OwnFile = options.DEFAULT_FILE, yes: options.Yes = False, json: options.Json = False
) -> None:
    """Make a new certificate authority: with the next apply certificates of the old one become invalid.

    Use it when the authority's key may be known to others, and before it expires. Contacts no host.
    Clients whose certificates are kept beside the history get new ones there, with the same expiry.
    """
    from dockmesh.cli.work import access as work

    work.rotate(file, yes=yes, json=json)
