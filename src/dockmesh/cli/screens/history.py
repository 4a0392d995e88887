"""How runs of the past look."""

from collections.abc import Mapping

from rich.markup import escape
from rich.table import Table

from dockmesh.cli.show import out
from dockmesh.history.store import Record, RunState
from dockmesh.record.run import Ended, shown

STYLE: Mapping[str, str] = {
    RunState.DONE: "green",
    RunState.NOT_PROVEN: "yellow",
    RunState.FAILED: "red",
    RunState.INTERRUPTED: "yellow",
}


def show_runs(records: tuple[Record, ...]) -> None:
    if not records:
        out.print("no run has changed a host from this file")
        return
    table = _table("run", "when", "who", "what", "ended", "changes")
    for record in records:
        changes = sum(len(host.changes) for host in record.hosts.values())
        hosts = sum(bool(host.changes) for host in record.hosts.values())
        table.add_row(
            record.run,
            _when(record.since),
            escape(record.who),
            escape(record.why),
            f"[{STYLE.get(record.ended, 'default')}]{record.ended}[/]",
            f"{changes} on {hosts} host{'' if hosts == 1 else 's'}",
        )
    out.print(table)


def show_run(record: Record) -> None:
    out.print(f"[bold]{record.run}[/]  {_when(record.since)}  {escape(record.who)}  {escape(record.why)}")
    for name, host in record.hosts.items():
        out.print(f"[bold]{escape(name)}[/]  {escape(host.ended)}")
        for change in host.changes:
            out.print(f"  {change}", markup=False)
        if host.error:
            out.print(f"  {host.error}", style="red", markup=False)
    out.print(f"{record.ended}; `dockmesh rollback {record.run}` applies its file again")


def show_hosts(lists: Mapping[str, tuple[Ended, ...]]) -> None:
    """What each host says itself of the runs that it has seen."""
    for name, runs in lists.items():
        table = _table("run", "when", "who", "what", "ended")
        for ended in runs:
            how = "; ".join((shown(ended.how), *ended.failures))
            who = f"{ended.run.who} from {ended.run.come_from}"
            table.add_row(ended.run.id, _when(ended.run.since), escape(who), escape(ended.run.why), escape(how))
        out.print(f"[bold]{escape(name)}[/]")
        out.print(table if runs else "  no run has changed it")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _when(since: str) -> str:
    """RFC 3339 as people read it; the zone is UTC, and stays said."""
    return since.replace("T", " ").replace("Z", " UTC")
