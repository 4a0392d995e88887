"""How changes and their outcome look."""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from dockmesh.cli.results import Result
from dockmesh.cli.screens.verify import of_probes, show_report
from dockmesh.cli.show import counted, out, show_error
from dockmesh.diff import silence
from dockmesh.diff.outcome import UpgradeOutage
from dockmesh.diff.types import Change, HostDiff, Origin, StepName
from dockmesh.inspect.host import Inspection
from dockmesh.plan.types import Plan
from dockmesh.render.docker import DAEMON_JSON


def show_changes(inspections: Mapping[str, Inspection], *, reasons: bool) -> None:
    for name, inspection in inspections.items():
        if not (inspection.diff.steps or inspection.diff.deferred):
            continue
        out.print(f"[bold]{escape(name)}[/]  [dim]{escape(inspection.facts.system)}[/]")
        if inspection.diff.steps:
            out.print(_reasons(inspection.diff) if reasons else _steps(inspection.diff))
        _show_deferred(inspection.diff)


def show_silence(plan: Plan, inspections: Mapping[str, Inspection], *, proof: bool) -> None:
    """What hosts may lose whose link to each other stays; nothing, most of the time, and then no word."""
    fabric = plan.fabric
    changes = {name: silence.silence_ms(each.diff, each.facts, fabric) for name, each in inspections.items()}
    lasting = {name: each for name, each in changes.items() if each}
    if lasting:
        out.print(f"[dim]up to {max(lasting.values())} ms lost with {', '.join(lasting)}: {silence.WHY}[/]")
    if proof and (lost := silence.proof_silence_ms((each.facts for each in inspections.values()), fabric)):
        out.print(
            f"[dim]up to {lost} ms lost with each host during verification: {silence.WHY}, those of its containers[/]"
        )


def _show_deferred(diff: HostDiff) -> None:
    if not diff.deferred:
        return
    out.print("  [yellow]deferred until Docker may be restarted[/]")
    for change in diff.deferred:
        out.print(f"    {escape(change.text())}")
    out.print("    [dim]until then its containers keep their addresses, and new ones get addresses of the old pool[/]")


def _reasons(diff: HostDiff) -> Group:
    """A table for each step: the reasons of one begin where its own changes end."""
    parts: list[RenderableType] = []
    for step in diff.steps:
        table = _grid(2)
        for change in step.changes:
            table.add_row(escape(change.text()), _why(change))
            if change.disturbs:
                table.add_row(f"  [yellow]restarts {escape(', '.join(change.disturbs))}[/]")
        parts += [f"  {step.name}", Padding(table, (0, 0, 0, 4), expand=False)]
    return Group(*parts)


def _why(change: Change) -> str:
    """First where it comes from, then what it is for."""
    origin = "" if change.origin is Origin.FIRST else change.why()
    style = "yellow" if change.origin in (Origin.DRIFT, Origin.BOTH) else "default"
    return "; ".join(
        filter(None, (f"[{style}]{escape(origin)}[/]" if origin else "", f"[dim]{escape(change.reason)}[/]"))
    )


def _steps(diff: HostDiff) -> Table:
    table = _grid(2)
    for step in diff.steps:
        table.add_row(f"  {step.name}", escape(_brief(step.name, step.changes)))
        for change in step.changes:
            if change.disturbs:
                table.add_row("  [yellow]restarts with Docker[/]", escape(", ".join(change.disturbs)))
    return table


def _grid(columns: int) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for _ in range(columns):
        table.add_column(overflow="fold")
    return table


def _brief(name: StepName, changes: tuple[Change, ...]) -> str:
    """Half a line a change; what is new and can be named by itself has only its name."""
    match name:
        case StepName.INSTALL | StepName.PURGE:
            return ", ".join(str(change.subject) for change in changes)
        case StepName.FILES | StepName.UNMAKE_FILES:
            return ", ".join(dict.fromkeys(_file_name(str(change.subject)) for change in changes))
        case _:
            return "; ".join(change.text().replace(DAEMON_JSON, _file_name(DAEMON_JSON)) for change in changes)


def _file_name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def show_result(result: Result) -> None:
    if result.report:
        show_report(result.report)
    for outcome in result.outcomes:
        for outage in outcome.outages:
            out.print(f"[dim]while {outcome.host} was upgraded:[/] {_outage(outage)}")
    for error in result.errors.values():
        show_error(error)
    right = len(result.hosts) - len(result.errors)
    planned = [change for inspection in result.inspections.values() for change in inspection.diff.changes]
    if result.dry_run and planned:
        out.print(f"{len(planned)} changes on {_count({change.host for change in planned})}; nothing was changed")
    elif (deferred := [name for name, inspection in result.inspections.items() if inspection.diff.deferred]) and right:
        done = sum(len(outcome.changes) for outcome in result.outcomes)
        out.print(f"[yellow]![/] {done} changes made; Docker's restart is deferred on {escape(', '.join(deferred))}")
        out.print("  run `dockmesh apply` when its containers may restart")
    elif result.outcomes and right:
        done = sum(len(outcome.changes) for outcome in result.outcomes)
        symbol = "[yellow]![/]" if result.proof_failed else "[green]✓[/]"
        out.print(f"{symbol} {counted(right, 'host')} as the file says; {done} changes made")
    elif not planned and right:
        out.print(f"[green]✓[/] nothing to change on {counted(right, 'host')}")
    # The last lines are what people read: they say what the exit code says.
    if result.report and result.proof_failed:
        out.print(f"[red]✗[/] but verification failed: {of_probes(result.report)}; `dockmesh verify` measures again")
    if result.errors:
        out.print(f"[red]✗[/] {counted(len(result.errors), 'host')} not done: {escape(', '.join(result.errors))}")


def _outage(outage: UpgradeOutage) -> str:
    twice = f", [red]{outage.twice} of them twice[/]" if outage.twice else ""
    heard = f"{outage.answered} of {outage.sent} pings answered{twice}"
    return f"{outage.observer} heard {outage.host} with an outage of {outage.longest_ms / 1000:.2f} s ({heard})"


def _count(hosts: set[str]) -> str:
    return counted(len(hosts), "host")
