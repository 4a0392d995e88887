"""`dockmesh apply`."""

import asyncio
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from dockmesh.apply.look import Looks, lock_and_look_at_all, look_at_all
from dockmesh.apply.owners import read_owners, refuse_beforehand, takers
from dockmesh.apply.run import apply as apply_plan
from dockmesh.apply.types import Look, Outcome
from dockmesh.cli import options
from dockmesh.cli.blocked import keep_out
from dockmesh.cli.changes import Result, result_json, show_changes, show_result
from dockmesh.cli.progress import HostProgress
from dockmesh.cli.show import err, print_json
from dockmesh.cli.verify import exit_code, verify_fleet
from dockmesh.errors import DockmeshError, UsageError
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.remote.fleet import fleet
from dockmesh.remote.seam import Transport
from dockmesh.spec.load import load


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asked for."""

    ssh_config: Path | None
    dry_run: bool
    verify: bool
    yes: bool
    json: bool
    preflight: bool = True


def apply(
    *,
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and why; change nothing.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Whether to prove the mesh after a change of all its hosts.")
    ] = True,
    preflight: options.Preflight = True,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Make the mesh real on every host, then prove it.

    Reads every host first, shows what would change, asks, and changes only that. A second run changes nothing.
    Exit code 1 if a host failed or the proof did.
    """
    plan = build(load(file))
    chosen = choose_hosts(plan, host)
    wish = Wish(ssh_config, dry_run, verify and len(chosen) == len(plan.hosts), yes, json, preflight)
    result = asyncio.run(_apply(plan, chosen, wish))
    if json:
        print_json(result_json(result))
    else:
        show_result(result)
    if result.errors or (result.report and exit_code(result.report)):
        raise typer.Exit(1)


def choose_hosts(plan: Plan, names: list[str] | None) -> tuple[HostPlan, ...]:
    """The named hosts in the order of the plan, or all of them.

    Raises UsageError for a name that the file does not have.
    """
    known = [host.name for host in plan.hosts]
    if unknown := [name for name in names or () if name not in known]:
        raise UsageError(f"the file has no host {', '.join(unknown)}", do=f"its hosts are {', '.join(known)}")
    return tuple(host for host in plan.hosts if not names or host.name in names)


async def _apply(plan: Plan, chosen: tuple[HostPlan, ...], wish: Wish) -> Result:
    began = time.monotonic()
    async with fleet(chosen, wish.ssh_config) as hosts:
        looks = await (look_at_all if wish.dry_run else lock_and_look_at_all)(plan, hosts.opened)
        looks = await _without_second_owners(plan, chosen, looks, wish.ssh_config)
        if wish.preflight:
            looks = await keep_out(plan, hosts.opened, looks)
        good = {name: look for name, look in looks.items() if isinstance(look, Look)}
        errors = {**hosts.failed, **{name: look for name, look in looks.items() if isinstance(look, DockmeshError)}}
        result = Result(plan, tuple(host.name for host in chosen), good, errors, dry_run=wish.dry_run)
        if not wish.json:
            show_changes(good, reasons=wish.dry_run)
        if wish.dry_run or not any(look.diff.steps for look in good.values()):
            return replace(result, seconds=time.monotonic() - began)
        if not wish.yes:
            _ask(good, json=wish.json)
            # The lock kept other applies away meanwhile, but not people.
            again = await look_at_all(plan, {name: hosts.opened[name] for name in good})
            looks, began = {**looks, **again}, time.monotonic()
        outcomes = await _carry_out(plan, hosts.opened, looks)
        seconds = time.monotonic() - began
        failed = {outcome.host: outcome.error for outcome in outcomes if outcome.error}
        report = await verify_fleet(plan, hosts) if wish.verify else None
        return replace(result, outcomes=outcomes, errors={**errors, **failed}, report=report, seconds=seconds)


async def _without_second_owners(
    plan: Plan, chosen: tuple[HostPlan, ...], looks: Looks, ssh_config: Path | None
) -> Looks:
    """Hosts that `--host` leaves out keep what they have: nobody may get that. They are asked only if it matters."""
    left_out = tuple(host for host in plan.hosts if host not in chosen)
    if not left_out or not takers(looks):
        return looks
    async with fleet(left_out, ssh_config) as others:
        return refuse_beforehand(looks, await read_owners(others.opened.values()))


async def _carry_out(plan: Plan, hosts: Mapping[str, Transport], looks: Looks) -> tuple[Outcome, ...]:
    progress = HostProgress(tuple(hosts))
    try:
        with progress:
            return await apply_plan(plan, hosts, looks, progress)
    except asyncio.CancelledError:
        for name, at in progress.at.items():
            err.print(f"{name}: stopped at: {at}", markup=False)
        err.print(
            "What was running on a host is run to its end there. Run `dockmesh apply` again: it goes on from there."
        )
        raise


def _ask(looks: Mapping[str, Look], *, json: bool) -> None:
    if json or not sys.stdin.isatty():
        raise UsageError("these changes want a yes, and there is nobody to ask", do="say --yes, or --dry-run to look")
    disturbed = sorted({name for look in looks.values() for change in look.diff.changes for name in change.disturbs})
    if disturbed:
        err.print(f"Docker restarts under these containers: {', '.join(disturbed)}.", style="yellow", markup=False)
    if not typer.confirm("Make these changes?", err=True):
        raise DockmeshError("nothing was changed")
