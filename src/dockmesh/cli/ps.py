"""`dockmesh ps`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from dockmesh.cli import options
from dockmesh.cli.loading import load_modules
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.remote.fleet import fleet
from dockmesh.spec.load import load

CONNECT_TIMEOUT_S = 5  # whoever looks wants to hear of the others, too
# What is needed only once the hosts have answered.
LATER = ("dockmesh.containers.collect", "rich.console", "rich.table", "dockmesh.cli.ps_screen")


def ps(
    *,
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
    all_: Annotated[bool, typer.Option("--all", "-a", help="Show those that do not run, too.")] = False,
    json: options.Json = False,
) -> None:
    """Show the containers of all hosts: image, state, address in the mesh, published ports.

    Asks every host's Docker once and changes nothing.
    Exit code 1 if a host or its Docker does not answer; the others are shown.
    """
    plan = build(load(file))
    if not asyncio.run(_look(plan, options.choose_hosts(plan, host), ssh_config, stopped=all_, json=json)):
        raise typer.Exit(1)


async def _look(
    plan: Plan, chosen: tuple[HostPlan, ...], ssh_config: Path | None, *, stopped: bool, json: bool
) -> bool:
    """Whether all answered."""
    async with fleet(chosen, ssh_config, CONNECT_TIMEOUT_S, meanwhile=load_modules(*LATER)) as hosts:
        from dockmesh.cli.ps_screen import ps_json, show
        from dockmesh.cli.show import print_json
        from dockmesh.containers.collect import collect

        found, gone = await collect(plan, hosts.opened, hosts.failed, stopped=stopped)
        await hosts.hang_up()
        names = [host.name for host in chosen]
        # Shown while the connections end.
        if json:
            print_json(ps_json(plan.name, names, found, gone))
        else:
            show(names, found, gone, stopped=stopped)
        return not gone
