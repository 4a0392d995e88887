"""File and hosts compared: the value, how it looks, and its JSON."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dockmesh.apply.look import look_at_all
from dockmesh.apply.types import Look
from dockmesh.cli.show import change_json, counted, error_json, out, show_error
from dockmesh.diff.types import Change, Origin
from dockmesh.errors import DockmeshError
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.record.applied import Applied, read
from dockmesh.record.paths import APPLIED
from dockmesh.remote.fleet import Fleet

COUNTED = {
    Origin.FILE: "from the file",
    Origin.DRIFT: "by drift",
    Origin.BOTH: "by both",
    Origin.FIRST: "not applied yet",
    Origin.CERTIFICATES: "of certificates",
    Origin.UNKNOWN: "of unknown origin",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """File and hosts; hosts in the order of the plan."""

    name: str
    hosts: tuple[str, ...]
    looks: Mapping[str, Look]
    errors: Mapping[str, DockmeshError]

    @property
    def differences(self) -> tuple[Change, ...]:
        return tuple(change for look in self.looks.values() for change in look.diff.differences)


async def compare(plan: Plan, chosen: tuple[HostPlan, ...], hosts: Fleet) -> Comparison:
    looks = await look_at_all(plan, hosts.opened)
    await hosts.hang_up()
    return Comparison(
        plan.name,
        tuple(host.name for host in chosen),
        {host.name: look for host in chosen if isinstance(look := looks.get(host.name), Look)},
        {**hosts.failed, **{name: look for name, look in looks.items() if isinstance(look, DockmeshError)}},
    )


def show(found: Comparison, out: Console = out) -> None:
    for name, look in found.looks.items():
        if look.diff.differences:
            kinds = {change.origin for change in look.diff.differences}
            # What is true of the whole host is said once.
            alike = look.diff.differences[0].because if kinds <= {Origin.FIRST, Origin.UNKNOWN} else ""
            out.print(f"[bold]{escape(name)}[/]  [dim]{escape(alike or _last(look))}[/]")
            out.print(_table(look.diff.differences, reasons=not alike))
    for error in found.errors.values():
        show_error(error)
    if found.differences:
        origins = Counter(change.origin for change in found.differences)
        counts = ", ".join(f"{origins[origin]} {words}" for origin, words in COUNTED.items() if origin in origins)
        differ = sum(bool(look.diff.differences) for look in found.looks.values())
        number = len(found.differences)
        out.print(
            f"{number} {'difference' if number == 1 else 'differences'} on {counted(differ, 'host')}: {counts}. "
            "`dockmesh apply` makes the hosts as the file says."
        )
    elif found.looks:
        out.print(f"[green]✓[/] {counted(len(found.looks), 'host')} as the file says")
    if found.errors:
        out.print(f"[red]✗[/] {counted(len(found.errors), 'host')} not read: {escape(', '.join(found.errors))}")


def _table(changes: tuple[Change, ...], *, reasons: bool) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for _ in range(2):
        table.add_column(overflow="fold")
    for change in changes:
        style = "yellow" if change.origin in (Origin.DRIFT, Origin.BOTH) else "default"
        table.add_row(f"  {escape(change.text())}", f"[{style}]{escape(change.why())}[/]" if reasons else "")
        if change.disturbs:
            table.add_row(f"    [yellow]apply restarts {escape(', '.join(change.disturbs))}[/]")
    return table


def _last(look: Look) -> str:
    record = _record(look)
    if record is None:
        return "no record of an apply"
    return f"applied {record.when.replace('T', ' ').replace('+00:00', ' UTC')}"


def comparison_json(found: Comparison) -> dict[str, Any]:
    """The comparison under stable names; docs/reference/json.md describes them."""
    return {
        "name": found.name,
        "different": bool(found.differences),
        "hosts": [
            {
                "name": name,
                "applied": applied_json(_record(found.looks.get(name))),
                "differences": [change_json(change) for change in found.looks[name].diff.differences]
                if name in found.looks
                else [],
                "error": error_json(found.errors[name]) if name in found.errors else None,
            }
            for name in found.hosts
        ],
    }


def applied_json(record: Applied | None) -> dict[str, str] | None:
    return {"when": record.when, "version": record.version, "run": record.run} if record else None


def _record(look: Look | None) -> Applied | None:
    return read(look.facts.file(APPLIED)) if look else None
