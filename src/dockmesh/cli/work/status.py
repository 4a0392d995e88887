"""`dockmesh status`."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dockmesh.cli import options
from dockmesh.cli.loading import load_modules
from dockmesh.cli.work.connections import Connections
from dockmesh.cli.work.with_kept import with_kept
from dockmesh.errors import UsageError
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


def status(
    file: Path, ssh_config: Path | None, host: list[str] | None, picture: Path | None, *, watch: bool, json: bool
) -> None:
    if picture is not None and watch:
        raise UsageError("--svg draws one look, and --watch looks for ever", do="leave one of them out")
    bare = build(load(file))
    plan = with_kept(bare, file)
    chosen = options.choose_hosts(plan, host)
    if watch:
        try:
            asyncio.run(_watch(lambda: with_kept(bare, file), chosen, ssh_config, json=json))
        except KeyboardInterrupt:
            return
    found = asyncio.run(_once(plan, chosen, ssh_config, json=json))
    if picture is not None:
        from dockmesh.cli.work.picture import write_picture
        from dockmesh.picture.of_status import picture_of_status

        write_picture(picture_of_status(plan, found, f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"), picture)
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
