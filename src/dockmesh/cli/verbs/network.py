"""`dockmesh network`: networks added to the mesh file, and removed."""

from typing import Annotated

import typer

from dockmesh.cli import complete, options
from dockmesh.cli.command import Command, group

app = group(
    """Add container networks to the mesh file, or remove them.

    Comments and layout stay. `dockmesh apply` makes it real."""
)

# Those of the file: 0 and 4095 mean something else (IEEE 802.1Q), and 1 is what many a switch means by no tag.
FIRST_VLAN, LAST_VLAN = 2, 4094


@app.command(cls=Command)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, in Docker too.", show_default=False)],
    *,
    file: options.OwnFile = options.DEFAULT_FILE,
    prefix: Annotated[
        str | None,
        typer.Option(help="Its whole range of addresses.", show_default="a free /16 of 10.0.0.0/8"),
    ] = None,
    prefix6: Annotated[
        str | None,
        typer.Option(help="Its range of IPv6 addresses, or `auto` for a random one.", show_default="none"),
    ] = None,
    internal: Annotated[bool, typer.Option("--internal", help="Its containers reach nothing but each other.")] = False,
    hosts: Annotated[
        str | None,
        typer.Option(
            metavar="HOST,HOST…", help="The hosts that are on it.", show_default="all", autocompletion=complete.hosts
        ),
    ] = None,
    vlan: Annotated[
        int | None,
        typer.Option(
            min=FIRST_VLAN,
            max=LAST_VLAN,
            help="The VLAN tag of its frames between hosts.",
            show_default="the first free one",
        ),
    ] = None,
    max_hosts: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="NUMBER", help="Leave room for this many hosts with equal pools.", show_default=False
        ),
    ] = None,
    dry_run: options.DryRun = False,
    yes: options.NeverAsks = False,
    json: options.Json = False,
) -> None:
    """Add a container network to the mesh file, with an address and a pool for each host that is on it.

    Touches no other network, neither in the file nor when it is applied. Contacts no host.
    """
    from dockmesh.cli.work import network as work

    opts = work.NetworkOptions(prefix, prefix6, internal, hosts, vlan, max_hosts)
    work.add(name, file, opts, dry_run=dry_run, json=json)


@app.command(cls=Command)
def remove(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="Its name in the file.", show_default=False, autocompletion=complete.networks
        ),
    ],
    *,
    file: options.OwnFile = options.DEFAULT_FILE,
    dry_run: options.DryRun = False,
    yes: options.NeverAsks = False,
    json: options.Json = False,
) -> None:
    """Remove a container network from the mesh file, with its hosts' entries for it. Contacts no host.

    Its containers must have left it before that is applied: apply names those that run, and removes nothing under them.
    """
    from dockmesh.cli.work import network as work

    work.remove(name, file, dry_run=dry_run, json=json)
