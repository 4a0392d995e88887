"""`dockmesh init`."""

from typing import Annotated

import typer

from dockmesh.cli import options
from dockmesh.model.encryption import EncryptionChoice

DEFAULT_PREFIX = "172.17.0.0/16"


def init(
    hosts: Annotated[
        list[str],
        typer.Argument(metavar=options.TARGET, help=options.ABOUT_TARGET, show_default=False),
    ],
    *,
    file: options.OwnFile = options.DEFAULT_FILE,
    name: Annotated[str, typer.Option(help="The name of the mesh.")] = "mesh",
    prefix: Annotated[str, typer.Option(help="The containers' address range, of all hosts together.")] = DEFAULT_PREFIX,
    max_hosts: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="NUMBER", help="Leave room for this many hosts with equal pools.", show_default=False
        ),
    ] = None,
    encryption: Annotated[
        EncryptionChoice | None,
        typer.Option(
            help="Whether what goes between hosts is encrypted; by default it is where an underlay address is public.",
            show_default=False,
        ),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no host for its underlay address and MTU.")] = False,
    ssh_config: options.SshConfig = None,
    json: options.Json = False,
) -> None:
    """Write a mesh file for these hosts; an existing file is never overwritten.

    Asks each host over SSH for the address at which the others reach it, and for its MTU. HOST=UNDERLAY gives the
    address instead, and NAME=HOST names a host: `web1=root@web.example.com`, `web1=root@192.0.2.7`.
    """
    from dockmesh.cli.work import init as work

    opts = work.InitOptions(name, prefix, max_hosts, offline, ssh_config, encryption)
    work.init(hosts, file, opts, json=json)
