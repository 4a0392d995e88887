"""`dockmesh apply`."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from dockmesh.apply.look import look_at_all
from dockmesh.apply.run import apply as apply_plan
from dockmesh.apply.types import Look, Outcome
from dockmesh.cli import options
from dockmesh.cli.progress import HostProgress
from dockmesh.cli.show import err, error_json, out, print_json, show_error
from dockmesh.cli.verify import exit_code, report_json, show_report, verify_fleet
from dockmesh.diff.types import Change, StepName
from dockmesh.errors import DockmeshError, UsageError
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.remote.fleet import fleet
from dockmesh.remote.seam import Transport
from dockmesh.spec.load import load
from dockmesh.verify.types import Report


def apply(
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and why; change nothing.")] = False,
    yes: options.Yes = False,
    json: options.Json = False,
) -> None:
    """Make the mesh real on every host, then prove it.

    Reads every host first, shows what would change, asks, and changes only that. A second run changes nothing.
    Exit code 1 if a host failed or the proof did.
    """
    plan = build(load(file))
    chosen = choose_hosts(plan, host)
    raise typer.Exit(asyncio.run(_apply(plan, chosen, ssh_config, dry_run=dry_run, yes=yes, json=json)))


def choose_hosts(plan: Plan, names: list[str] | None) -> tuple[HostPlan, ...]:
    """The named hosts in the order of the plan, or all of them.

    Raises UsageError for a name that the file does not have.
    """
    known = [host.name for host in plan.hosts]
    if unknown := [name for name in names or () if name not in known]:
        raise UsageError(f"the file has no host {', '.join(unknown)}", do=f"its hosts are {', '.join(known)}")
    return tuple(host for host in plan.hosts if not names or host.name in names)


async def _apply(
    plan: Plan, chosen: tuple[HostPlan, ...], ssh_config: Path | None, *, dry_run: bool, yes: bool, json: bool
) -> int:
    async with fleet(chosen, ssh_config) as hosts:
        looks = await look_at_all(plan, hosts.opened)
        errors = {**hosts.failed, **{name: look for name, look in looks.items() if isinstance(look, DockmeshError)}}
        good = {name: look for name, look in looks.items() if isinstance(look, Look)}
        changes = tuple(change for look in good.values() for change in look.diff.changes)
        if not json:
            _show_changes(good, reasons=dry_run)
        outcomes: tuple[Outcome, ...] = ()
        report: Report | None = None
        if changes and not dry_run:
            if not yes:
                _ask(good, json=json)
            outcomes = await _carry_out(plan, {name: hosts.opened[name] for name in good})
            errors |= {outcome.host: outcome.error for outcome in outcomes if outcome.error}
            if len(chosen) == len(plan.hosts):
                report = await verify_fleet(plan, hosts)
        if json:
            print_json(_as_json(plan, good, outcomes, errors, report, dry_run=dry_run))
        else:
            if report:
                show_report(report)
            _show_end(chosen, outcomes, errors, changes, dry_run=dry_run)
        return 1 if errors or (report and exit_code(report)) else 0


async def _carry_out(plan: Plan, hosts: Mapping[str, Transport]) -> tuple[Outcome, ...]:
    progress = HostProgress(tuple(hosts))
    try:
        with progress:
            return await apply_plan(plan, hosts, progress)
    except asyncio.CancelledError:
        for name, at in progress.at.items():
            err.print(f"{name}: stopped at: {at}", markup=False)
        err.print("What was running on a host is run to its end there. Run `dockmesh apply` again: it goes on from there.")
        raise


def _ask(looks: Mapping[str, Look], *, json: bool) -> None:
    if json or not sys.stdin.isatty():
        raise UsageError("these changes want a yes, and there is nobody to ask", do="say --yes, or --dry-run to look")
    disturbed = sorted({name for look in looks.values() for change in look.diff.changes for name in change.disturbs})
    if disturbed:
        err.print(f"Docker restarts under these containers: {', '.join(disturbed)}.", style="yellow", markup=False)
    if not typer.confirm("Make these changes?", err=True):
        raise UsageError("nothing was changed")


def _show_changes(looks: Mapping[str, Look], *, reasons: bool) -> None:
    for name, look in looks.items():
        if not look.diff.steps:
            continue
        out.print(f"[bold]{name}[/]  [dim]{escape(look.facts.system)}[/]")
        for step in look.diff.steps:
            if reasons:
                out.print(f"  {step.name}")
                for change in step.changes:
                    out.print(f"    {escape(change.text())}  [dim]{escape(change.reason)}[/]")
            else:
                out.print(f"  {step.name:<22}  {escape(_brief(step.name, step.changes))}")
        for change in look.diff.changes:
            if change.disturbs:
                out.print(f"  [yellow]stops for a moment[/]      {escape(', '.join(change.disturbs))}")


def _brief(name: StepName, changes: tuple[Change, ...]) -> str:
    if name is StepName.INSTALL:
        return ", ".join(change.subject for change in changes)
    if name is StepName.FILES and len(changes) > 1:
        return ", ".join(change.subject.rsplit("/", 1)[-1] for change in changes if change.subject.startswith("/"))
    return "; ".join(change.text() for change in changes)


def _show_end(
    chosen: tuple[HostPlan, ...],
    outcomes: tuple[Outcome, ...],
    errors: Mapping[str, DockmeshError],
    changes: tuple[Change, ...],
    *,
    dry_run: bool,
) -> None:
    for error in errors.values():
        show_error(error)
    right = len(chosen) - len(errors)
    if not changes and right:
        out.print(f"[green]✓[/] nothing to change on {_hosts(right)}")
    elif dry_run and changes:
        out.print(f"{len(changes)} changes on {_hosts(len({change.host for change in changes}))}; nothing was changed")
    elif outcomes:
        done = sum(len(outcome.changes) for outcome in outcomes)
        out.print(f"[green]✓[/] {_hosts(right)} as the file says; {done} changes made")
    if errors:
        out.print(f"[red]✗[/] {_hosts(len(errors))} not done: {', '.join(errors)}")


def _hosts(number: int) -> str:
    return f"{number} host" if number == 1 else f"{number} hosts"


def _as_json(
    plan: Plan,
    looks: Mapping[str, Look],
    outcomes: tuple[Outcome, ...],
    errors: Mapping[str, DockmeshError],
    report: Report | None,
    *,
    dry_run: bool,
) -> dict[str, Any]:
    made = {outcome.host: outcome.changes for outcome in outcomes}
    shown = {name: look.diff.changes for name, look in looks.items()} if dry_run else made
    return {
        "name": plan.name,
        "dry_run": dry_run,
        "changed": bool(not dry_run and any(made.values())),
        "hosts": [
            {
                "name": host.name,
                "changes": [_change_json(change) for change in shown.get(host.name, ())],
                "error": error_json(errors[host.name]) if host.name in errors else None,
            }
            for host in plan.hosts
            if host.name in looks or host.name in errors
        ],
        "verify": report_json(report) if report else None,
    }


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "subject": change.subject,
        "actual": change.actual,
        "expected": change.expected,
        "reason": change.reason,
        "disturbs": list(change.disturbs),
    }
