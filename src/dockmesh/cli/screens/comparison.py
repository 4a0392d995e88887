"""How file and hosts look, compared."""

from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dockmesh.cli.results import Comparison
from dockmesh.cli.show import counted, out, show_error
from dockmesh.diff.types import Change, Origin
from dockmesh.record.applied import Applied

COUNTED = {
    Origin.FILE: "from the file",
    Origin.DRIFT: "by drift",
    Origin.BOTH: "by both",
    Origin.FIRST: "not applied yet",
    Origin.CERTIFICATES: "of certificates",
    Origin.UNKNOWN: "of unknown origin",
}


def show(found: Comparison, out: Console = out) -> None:
    for name, inspection in found.inspections.items():
        if inspection.diff.differences:
            kinds = {change.origin for change in inspection.diff.differences}
            # What is true of the whole host is said once.
            alike = inspection.diff.differences[0].because if kinds <= {Origin.FIRST, Origin.UNKNOWN} else ""
            out.print(f"[bold]{escape(name)}[/]  [dim]{escape(alike or _last(found.applied(name)))}[/]")
            out.print(_table(inspection.diff.differences, reasons=not alike))
    for error in found.errors.values():
        show_error(error)
    if found.differences:
        origins = Counter(change.origin for change in found.differences)
        counts = ", ".join(f"{origins[origin]} {words}" for origin, words in COUNTED.items() if origin in origins)
        differ = sum(bool(inspection.diff.differences) for inspection in found.inspections.values())
        number = len(found.differences)
        out.print(
            f"{number} {'difference' if number == 1 else 'differences'} on {counted(differ, 'host')}: {counts}. "
            "`dockmesh apply` makes the hosts match the file."
        )
    elif found.inspections:
        out.print(f"[green]✓[/] {counted(len(found.inspections), 'host')} as the file says")
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


def _last(record: Applied | None) -> str:
    if record is None:
        return "no record of an apply"
    return f"applied {record.when.replace('T', ' ').replace('+00:00', ' UTC')}"
