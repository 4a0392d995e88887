"""`dockmesh destroy`."""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from dockmesh.apply.inspection import lock_all
from dockmesh.apply.lock import new_run
from dockmesh.cli import options
from dockmesh.cli.ask import said_yes
from dockmesh.cli.json.changes import destroyed_json
from dockmesh.cli.results import Destroyed, Result
from dockmesh.cli.screens.changes import show_changes
from dockmesh.cli.screens.destroy import show_destroyed
from dockmesh.cli.screens.progress import HostProgress
from dockmesh.cli.show import err, print_json
from dockmesh.cli.work.journal import record
from dockmesh.diff.outcome import Outcome
from dockmesh.errors import ConnectError, DockmeshError, LockedError, UsageError
from dockmesh.history.store import DESTROY
from dockmesh.inspect.host import Inspection
from dockmesh.meshfile.load import parse
from dockmesh.meshfile.source import read_bytes
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.record.run import Run
from dockmesh.transport.fleet import Fleet, fleet
from dockmesh.undo.run import DestroyPlan, DestroyPlans, inspect_all, permitted
from dockmesh.undo.run import destroy as destroy_mesh
from dockmesh.undo.session import Session, kept_alive

SIGN_S = 15  # between two signs of life, while we or a person take our time
LATER = "when it is there again, `dockmesh destroy --host {}` does the rest"
Recorded = Callable[[Session], AbstractContextManager[Callable[[Result], None]]]


@dataclass(frozen=True, slots=True)
class DestroyOptions:
    """What the command line asked for."""

    ssh_config: Path | None
    packages: bool
    dry_run: bool
    yes: bool
    json: bool


def destroy(file: Path, host: list[str] | None, opts: DestroyOptions) -> None:
    content = read_bytes(file)
    plan = build(parse(str(file), content, packages_beside=file.parent))
    chosen = options.choose_hosts(plan, host)
    destroyed = asyncio.run(
        _destroy(plan, chosen, opts, new_run(DESTROY), lambda session: record(file, content.decode(), session))
    )
    if opts.json:
        print_json(destroyed_json(destroyed))
    else:
        show_destroyed(destroyed)
    if destroyed.result.errors:
        raise typer.Exit(1)


async def _destroy(
    plan: Plan, chosen: tuple[HostPlan, ...], opts: DestroyOptions, run: Run, recorded: Recorded
) -> Destroyed:
    began = time.monotonic()
    others = tuple(host.name for host in plan.hosts if host not in chosen)
    async with fleet(chosen, opts.ssh_config) as hosts:
        plans = await _inspect(plan, hosts, opts, run)
        refused = {name: found.refused for name, found in plans.items() if isinstance(found, DestroyPlan)}
        plans = plans if opts.dry_run else permitted(plans)
        good = {name: found for name, found in plans.items() if isinstance(found, DestroyPlan)}
        inspections = {name: found.inspection for name, found in good.items()}
        errors = {name: _later(name, error) for name, error in hosts.failed.items()}
        errors |= {name: error for name, error in refused.items() if error}
        errors |= {name: found for name, found in plans.items() if isinstance(found, DockmeshError)}
        result = Result(plan, tuple(host.name for host in chosen), inspections, errors, dry_run=opts.dry_run)
        destroyed = Destroyed(result, {name: dict(found.kept) for name, found in good.items() if found.kept}, others)
        if not opts.json:
            show_changes(inspections, reasons=opts.dry_run)
        if opts.dry_run or not any(inspection.diff.steps for inspection in inspections.values()):
            return replace(destroyed, result=replace(result, seconds=time.monotonic() - began))
        if not opts.yes:
            async with kept_alive(list(hosts.opened.values()), SIGN_S):
                await _ask(inspections, json=opts.json)
            again = await inspect_all(plan, {name: hosts.opened[name] for name in good}, packages=opts.packages)
            plans, began = {**plans, **again}, time.monotonic()
        with recorded(Session(run)) as note:
            async with kept_alive(list(hosts.opened.values()), SIGN_S):
                outcomes = await _carry_out(hosts, plans)
            failed = {outcome.host: _later(outcome.host, outcome.error) for outcome in outcomes if outcome.error}
            result = replace(
                result,
                run=run.id,
                outcomes=outcomes,
                errors={**errors, **failed},
                seconds=time.monotonic() - began,
            )
            note(result)
        return replace(destroyed, result=result)


def _later(name: str, error: DockmeshError) -> DockmeshError:
    if isinstance(error, ConnectError):
        do = LATER.format(name)
        error.report = replace(error.report, do=f"{error.report.do}; {do}" if error.report.do else do)
    return error


async def _inspect(plan: Plan, hosts: Fleet, opts: DestroyOptions, run: Run) -> DestroyPlans:
    if opts.dry_run:
        return await inspect_all(plan, hosts.opened, packages=opts.packages)
    errors = await lock_all(hosts.opened, run, HostProgress(tuple(hosts.opened)))
    for error in errors.values():
        if isinstance(error, LockedError):
            raise error
    ours = {name: host for name, host in hosts.opened.items() if name not in errors}
    return {**errors, **await inspect_all(plan, ours, packages=opts.packages)}


async def _carry_out(hosts: Fleet, plans: DestroyPlans) -> tuple[Outcome, ...]:
    progress = HostProgress(tuple(hosts.opened))
    try:
        with progress:
            return await destroy_mesh(hosts.opened, plans, progress)
    except asyncio.CancelledError:
        for name, at in progress.at.items():
            err.print(f"{name}: stopped at: {at}", markup=False)
        err.print("Run `dockmesh destroy` again: it goes on from there.", markup=False)
        raise


async def _ask(inspections: dict[str, Inspection], *, json: bool) -> None:
    if json or not sys.stdin.isatty():
        raise UsageError(
            "these changes need confirmation, and nobody can be asked", do="add --yes, or --dry-run to only look"
        )
    disturbed = sorted(
        {name for inspection in inspections.values() for change in inspection.diff.changes for name in change.disturbs}
    )
    if disturbed:
        err.print(f"Docker restarts under these containers: {', '.join(disturbed)}.", style="yellow", markup=False)
    hosts = ", ".join(name for name, inspection in inspections.items() if inspection.diff.steps)
    if not await said_yes(f"Take the mesh off {hosts}?"):
        raise DockmeshError("nothing was changed")
