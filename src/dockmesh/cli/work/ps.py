"""`dockmesh ps`."""

import asyncio
from enum import Enum, auto
from pathlib import Path

import typer

from dockmesh.cli import options
from dockmesh.cli.loading import load_modules
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.transport.fleet import fleet

CONNECT_TIMEOUT_S = 5  # whoever looks wants to hear of the others, too
# What is needed only once the hosts have answered.
LATER = ("dockmesh.containers.collect", "rich.console", "rich.table", "dockmesh.cli.screens.ps")


class Show(Enum):
    """What is shown of containers."""

    TABLE = auto()
    IDS = auto()
    JSON = auto()


def ps(file: Path, ssh_config: Path | None, host: list[str] | None, *, stopped: bool, show: Show) -> None:
    plan = build(load(file))
    if not asyncio.run(_look(plan, options.choose_hosts(plan, host), ssh_config, file, stopped=stopped, how=show)):
        raise typer.Exit(1)


async def _look(
    plan: Plan, chosen: tuple[HostPlan, ...], ssh_config: Path | None, file: Path, *, stopped: bool, how: Show
) -> bool:
    """Whether all answered."""
    async with fleet(chosen, ssh_config, CONNECT_TIMEOUT_S, meanwhile=load_modules(*LATER)) as hosts:
        from dockmesh.cli.json.ps import ps_json
        from dockmesh.cli.screens.ps import show, show_ids
        from dockmesh.cli.seen import remember
        from dockmesh.cli.show import print_json
        from dockmesh.containers.collect import collect

        found, gone = await collect(plan, hosts.opened, hosts.failed, stopped=stopped)
        await hosts.hang_up()
        names = [host.name for host in chosen]
        # Shown while the connections end.
        match how:
            case Show.JSON:
                print_json(ps_json(plan.name, names, found, gone))
            case Show.IDS:
                show_ids(names, found, gone)
            case Show.TABLE:
                show(names, found, gone, stopped=stopped)
        remember(file, found)
        return not gone
