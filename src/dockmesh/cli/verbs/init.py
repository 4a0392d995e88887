"""`dockmesh init`."""

from typing import Annotated

import typer

from dockmesh.cli import options

DEFAULT_PREFIX = "172.17.0.0/16"


def init(
    hosts: Annotated[
        list[str],
        typer.Argument(metavar=options.TARGET, help=options.ABOUT_TARGET, show_default=False),
    ],
    *,
    file: options.OwnFile = options.DEFAULT_FILE,
    name: Annotated[str, typer.Option(help="What to call the mesh.")] = "mesh",
    prefix: Annotated[str, typer.Option(help="The containers' address range, of all hosts together.")] = DEFAULT_PREFIX,
    max_hosts: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="NUMBER", help="Leave room for so many hosts with equal pools.", show_default=False
        ),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no host for its underlay address and MTU.")] = False,
    ssh_config: options.SshConfig = None,
    json: options.Json = False,
) -> None:
    """Write a mesh file for these hosts, never over an existing one.

    Asks each host over SSH for the address that the others reach it at, and for its MTU. HOST=UNDERLAY says the address
    beforehand, and NAME=HOST what to call a host: `web1=root@web.example.com`, `web1=root@192.0.2.7`.
    """
    from dockmesh.cli.work import init as work

    wish = work.Wish(name, prefix, max_hosts, offline, ssh_config)
    work.init(hosts, file, wish, json=json)
