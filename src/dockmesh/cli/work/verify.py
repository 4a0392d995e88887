"""`dockmesh verify`."""

import asyncio
from pathlib import Path

import typer

from dockmesh.cli.json.verify import verify_json
from dockmesh.cli.screens.progress import HostProgress
from dockmesh.cli.screens.verify import show_report
from dockmesh.cli.show import print_json
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.plan.types import Plan
from dockmesh.transport.fleet import Fleet, fleet
from dockmesh.verify.run import verify as verify_hosts
from dockmesh.verify.types import Verdict, VerifyReport


def verify(file: Path, ssh_config: Path | None, *, json: bool) -> None:
    plan = build(load(file))
    report = asyncio.run(_verify(plan, ssh_config))
    if json:
        print_json(verify_json(report))
    else:
        show_report(report)
    raise typer.Exit(0 if report.verdict is Verdict.PASS else 1)


async def _verify(plan: Plan, ssh_config: Path | None) -> VerifyReport:
    async with fleet(plan.hosts, ssh_config) as hosts:
        return await verify_fleet(plan, hosts)


async def verify_fleet(plan: Plan, hosts: Fleet) -> VerifyReport:
    """For apply too, which has its connections already."""
    progress = HostProgress(tuple(hosts.opened))
    with progress:
        report = await verify_hosts(plan, hosts.opened, hosts.failed, progress)
        for name in hosts.opened:
            progress.done(name, "measured")
    return report
