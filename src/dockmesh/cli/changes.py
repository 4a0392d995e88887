"""How changes and their outcome look, on the screen and in JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.markup import escape

from dockmesh.apply.types import Look, Outcome
from dockmesh.cli.show import error_json, out, show_error
from dockmesh.cli.verify import report_json, show_report
from dockmesh.diff.types import Change, StepName
from dockmesh.errors import DockmeshError
from dockmesh.plan.types import Plan
from dockmesh.verify.types import Report


@dataclass(frozen=True, slots=True)
class Result:
    """All that an apply found and did; hosts in the order of the plan."""

    plan: Plan
    hosts: tuple[str, ...]
    looks: Mapping[str, Look]
    errors: Mapping[str, DockmeshError]
    outcomes: tuple[Outcome, ...] = ()
    report: Report | None = None
    dry_run: bool = False


def show_changes(looks: Mapping[str, Look], *, reasons: bool) -> None:
    for name, look in looks.items():
        if not look.diff.steps:
            continue
        out.print(f"[bold]{escape(name)}[/]  [dim]{escape(look.facts.system)}[/]")
        for step in look.diff.steps:
            if reasons:
                out.print(f"  {step.name}")
                for change in step.changes:
                    out.print(f"    {escape(change.text())}  [dim]{escape(change.reason)}[/]")
            else:
                out.print(f"  {step.name:<22}  {escape(_brief(step.name, step.changes))}")
        for change in look.diff.changes:
            if change.disturbs:
                out.print(f"  [yellow]{'restarts with Docker':<22}[/]  {escape(', '.join(change.disturbs))}")


def _brief(name: StepName, changes: tuple[Change, ...]) -> str:
    if name is StepName.INSTALL:
        return ", ".join(change.subject for change in changes)
    if name is StepName.FILES and len(changes) > 1:
        return ", ".join(change.subject for change in changes if change.subject.startswith("/"))
    return "; ".join(change.text() for change in changes)


def show_result(result: Result) -> None:
    if result.report:
        show_report(result.report)
    for error in result.errors.values():
        show_error(error)
    right = len(result.hosts) - len(result.errors)
    planned = [change for look in result.looks.values() for change in look.diff.changes]
    if result.dry_run and planned:
        out.print(f"{len(planned)} changes on {_count({change.host for change in planned})}; nothing was changed")
    elif result.outcomes and right:
        done = sum(len(outcome.changes) for outcome in result.outcomes)
        out.print(f"[green]✓[/] {_hosts(right)} as the file says; {done} changes made")
    elif not planned and right:
        out.print(f"[green]✓[/] nothing to change on {_hosts(right)}")
    if result.errors:
        out.print(f"[red]✗[/] {_hosts(len(result.errors))} not done: {escape(', '.join(result.errors))}")


def _count(hosts: set[str]) -> str:
    return _hosts(len(hosts))


def _hosts(number: int) -> str:
    return f"{number} host" if number == 1 else f"{number} hosts"


def result_json(result: Result) -> dict[str, Any]:
    """The result under stable names; docs/reference/json.md describes them."""
    made = {outcome.host: outcome.changes for outcome in result.outcomes}
    planned = {name: look.diff.changes for name, look in result.looks.items()}
    shown = planned if result.dry_run else made
    return {
        "name": result.plan.name,
        "dry_run": result.dry_run,
        "changed": any(made.values()),
        "hosts": [
            {
                "name": name,
                "changes": [_change_json(change) for change in shown.get(name, ())],
                "error": error_json(result.errors[name]) if name in result.errors else None,
            }
            for name in result.hosts
        ],
        "verify": report_json(result.report) if result.report else None,
    }


def _change_json(change: Change) -> dict[str, Any]:
    return {
        "subject": change.subject,
        "actual": change.actual,
        "expected": change.expected,
        "reason": change.reason,
        "disturbs": list(change.disturbs),
    }
