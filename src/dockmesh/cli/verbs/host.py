"""`dockmesh host`: hosts added to the mesh file, and removed."""

from typing import Annotated

import typer

from dockmesh.cli import complete, options
from dockmesh.cli.command import Command, group

app = group(
    """Add hosts to the mesh file, or remove them.

    Comments and layout stay. `dockmesh apply` makes it real."""
)


@app.command(cls=Command)
def add(
    hosts: Annotated[
        list[str],
        typer.Argument(metavar=options.TARGET, help=options.ABOUT_TARGET, show_default=False),
    ],
    *,
    file: options.OwnFile = options.DEFAULT_FILE,
    name: Annotated[
        list[str] | None,
        typer.Option(help="Its name in the mesh; once for each HOST, in the same order.", show_default=False),
    ] = None,
    link: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PEER",
            help="Link it to this host, where the file lists its links; may be given several times.",
            autocompletion=complete.host_alone,
        ),
    ] = None,
    site: Annotated[
        str | None, typer.Option(metavar="SITE", help="Put it into this site, where the file has sites.")
    ] = None,
    network: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NETWORK",
            help="Put it on this network, where that lists its hosts; may be given several times.",
            autocompletion=complete.networks,
        ),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask it for its underlay address and MTU.")] = False,
    ssh_config: options.SshConfig = None,
    dry_run: options.DryRun = False,
    yes: options.NeverAsks = False,
    json: options.Json = False,
) -> None:
    """Add a host to the mesh file, with a free address and pool; those of other hosts stay.

    Asks it over SSH for the address at which the others reach it, and for its MTU. HOST=UNDERLAY gives the address
    instead. Contacts no other host.
    """
    from dockmesh.cli.work import host as work

    opts = work.HostOptions(name or [], link or [], site, network or [], offline, ssh_config)
    work.add(hosts, file, opts, dry_run=dry_run, json=json)


@app.command(cls=Command)
def remove(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME", help="Its name in the file.", show_default=False, autocompletion=complete.host_alone
        ),
    ],
    *,
    file: options.OwnFile = options.DEFAULT_FILE,
    dry_run: options.DryRun = False,
    yes: options.NeverAsks = False,
    json: options.Json = False,
) -> None:
    """Remove a host from the mesh file, with the links that name it. The host may be dead: it is not contacted."""
    from dockmesh.cli.work import host as work

    work.remove(names, file, dry_run=dry_run, json=json)
