"""`dockmesh preflight`."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import typer

from dockmesh.cli import options
from dockmesh.cli.json.preflight import preflight_json
from dockmesh.cli.screens.preflight import show_findings
from dockmesh.cli.screens.progress import HostProgress
from dockmesh.cli.show import print_json
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.preflight.run import preflight as look
from dockmesh.preflight.types import Level, Report
from dockmesh.transport.fleet import fleet


def preflight(file: Path, ssh_config: Path | None, host: list[str] | None, *, everything: bool, json: bool) -> None:
    plan = build(load(file))
    report = asyncio.run(_preflight(plan, options.choose_hosts(plan, host), ssh_config))
    if json:
        print_json(preflight_json(report))
    else:
        show_findings(report, everything=everything)
    raise typer.Exit(exit_code(report))


async def _preflight(plan: Plan, chosen: tuple[HostPlan, ...], ssh_config: Path | None) -> Report:
    began = time.monotonic()  # the log-in is of it: one that fails may take most of the time
    async with fleet(chosen, ssh_config) as hosts:
        progress = HostProgress(tuple(hosts.opened))
        with progress:
            names = tuple(host.name for host in chosen)
            report = await look(plan, hosts.opened, hosts.failed, names, progress)
            for name in hosts.opened:
                progress.done(name, "looked at")
        return replace(report, seconds=time.monotonic() - began)


def exit_code(report: Report) -> int:
    return 1 if report.level in (Level.UNKNOWN, Level.BLOCKER) else 0
