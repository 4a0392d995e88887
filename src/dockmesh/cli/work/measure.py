"""`dockmesh measure`."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from dockmesh.cli import options
from dockmesh.cli.ask import said_yes
from dockmesh.cli.json.measure import measure_json
from dockmesh.cli.screens.measure import show_beforehand, show_report
from dockmesh.cli.screens.progress import HostProgress
from dockmesh.cli.show import print_json
from dockmesh.errors import DockmeshError, UsageError
from dockmesh.measure.plan import steps
from dockmesh.measure.run import Course
from dockmesh.measure.run import measure as measure_hosts
from dockmesh.measure.types import Figure, Pace, Report, Step
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.transport.fleet import fleet


def figures_of(names: Sequence[str] | None) -> tuple[Figure, ...]:
    """Raises UsageError for one that there is not."""
    wanted = options.split(list(names or ()))
    if unknown := [name for name in wanted if name not in list(Figure)]:
        raise UsageError(f"{unknown[0]} is nothing that is measured", do=f"name some of {', '.join(Figure)}")
    return tuple(figure for figure in Figure if not wanted or figure in wanted)


def measure(file: Path, ssh_config: Path | None, host: list[str] | None, pace: Pace, *, yes: bool, json: bool) -> None:
    plan = build(load(file))
    hosts = options.choose_hosts(plan, host)
    if len(hosts) < 2:
        raise UsageError("one host alone has nobody to measure with", do="name two hosts or more with --host, or none")
    chosen = steps([each.name for each in hosts], pace)
    show_beforehand(plan.name, [each.name for each in hosts], chosen, pace)
    report = asyncio.run(_measure(plan, hosts, ssh_config, pace, chosen, yes=yes))
    if json:
        print_json(measure_json(report))
    else:
        show_report(report)
    raise typer.Exit(0 if report.complete else 1)


async def _measure(
    plan: Plan, hosts: Sequence[HostPlan], ssh_config: Path | None, pace: Pace, chosen: Sequence[Step], *, yes: bool
) -> Report:
    if not yes:
        await _ask()
    async with fleet(hosts, ssh_config) as found:
        with HostProgress(tuple(found.opened)) as progress:
            course = Course({host.name: host for host in hosts}, found.opened, pace, progress)
            return await measure_hosts(plan.name, course, chosen, found.failed)


async def _ask() -> None:
    """Raises UsageError where nobody is there to be asked, and DockmeshError where they do not want it."""
    if not sys.stdin.isatty():
        raise UsageError("this loads hosts and links, and nobody can be asked", do="add --yes")
    if not await said_yes("Go on?"):
        raise DockmeshError("nothing was measured")
