"""`dockmesh diff`."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from dockmesh.cli import options
from dockmesh.cli.loading import load_modules
from dockmesh.cli.work.with_kept import with_kept
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.transport.fleet import fleet

if TYPE_CHECKING:
    from dockmesh.cli.results import Comparison

DIFFERENT, UNREAD = 1, 4
# What is needed only once the hosts have answered.
LATER = (
    "rich.console",
    "rich.table",
    "jinja2",
    "dockmesh.diff.host",
    "dockmesh.apply.inspection",
    "dockmesh.cli.work.compare",
    "dockmesh.cli.screens.comparison",
)


def diff(file: Path, ssh_config: Path | None, host: list[str] | None, *, exit_code: bool, json: bool) -> None:
    plan = with_kept(build(load(file)), file)
    found = asyncio.run(_compare(plan, options.choose_hosts(plan, host), ssh_config, json=json))
    if found.errors:
        raise typer.Exit(UNREAD if exit_code else 1)
    if exit_code and found.differences:
        raise typer.Exit(DIFFERENT)


async def _compare(plan: Plan, chosen: tuple[HostPlan, ...], ssh_config: Path | None, *, json: bool) -> "Comparison":
    async with fleet(chosen, ssh_config, meanwhile=load_modules(*LATER)) as hosts:
        from dockmesh.cli.json.comparison import comparison_json
        from dockmesh.cli.screens.comparison import show
        from dockmesh.cli.show import print_json
        from dockmesh.cli.work.compare import compare

        found = await compare(plan, chosen, hosts)
        # Shown while the connections end.
        if json:
            print_json(comparison_json(found))
        else:
            show(found)
        return found
