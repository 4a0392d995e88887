"""`dockmesh status`."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dockmesh.cli import options
from dockmesh.cli.loading import load_modules
from dockmesh.cli.work.connections import Connections
from dockmesh.cli.work.with_access import with_access
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan

if TYPE_CHECKING:
    from dockmesh.status.types import Status

# What is needed only once the hosts have answered.
LATER = (
    "rich.console",
    "rich.live",
    "jinja2",
    "dockmesh.diff.host",
    "dockmesh.status.judge",
    "dockmesh.cli.work.status_look",
)


def status(file: Path, ssh_config: Path | None, host: list[str] | None, *, watch: bool, json: bool) -> None:
    bare = build(load(file))
    plan = with_access(bare, file)
    chosen = options.choose_hosts(plan, host)
    if watch:
        try:
            asyncio.run(_watch(lambda: with_access(bare, file), chosen, ssh_config, json=json))
        except KeyboardInterrupt:
            return
    found = asyncio.run(_once(plan, chosen, ssh_config, json=json))
    if found.findings:
        raise typer.Exit(1)


async def _once(plan: Plan, chosen: tuple[HostPlan, ...], ssh_config: Path | None, *, json: bool) -> "Status":
    async with Connections(chosen, ssh_config, meanwhile=load_modules(*LATER)) as connections:
        from dockmesh.cli.work.status_look import look_once, show

        found = await look_once(plan, connections)
        show(found, json=json)  # while the connections end
        return found


async def _watch(
    plan: Callable[[], Plan], chosen: tuple[HostPlan, ...], ssh_config: Path | None, *, json: bool
) -> None:
    async with Connections(chosen, ssh_config, meanwhile=load_modules(*LATER)) as connections:
        from dockmesh.cli.work.status_look import watch

        await watch(plan, connections, json=json)
