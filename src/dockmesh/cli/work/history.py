"""`dockmesh history`."""

import asyncio
from dataclasses import asdict
from pathlib import Path

import typer
from rich.markup import escape
from rich.table import Table

from dockmesh.cli import options
from dockmesh.cli.show import out, print_json, show_error
from dockmesh.errors import DockmeshError, UsageError
from dockmesh.history.store import Record, find, load_all
from dockmesh.plan.build import build
from dockmesh.plan.types import Plan
from dockmesh.record.paths import RUNS
from dockmesh.record.run import Ended, read_runs
from dockmesh.remote.fleet import fleet
from dockmesh.remote.seam import Get, Transport
from dockmesh.remote.together import each
from dockmesh.spec.load import load

STYLE = {"done": "green", "failed": "red", "interrupted": "yellow"}


def history(run: str | None, file: Path, ssh_config: Path | None, host: list[str] | None, *, json: bool) -> None:
    if host and run:
        raise UsageError("a run and --host do not go together", do="leave one of them out")
    if host:
        _show_hosts(file, ssh_config, host, json=json)
    elif run:
        record = find(file, run)
        print_json(asdict(record)) if json else _show_one(record)
    else:
        records = load_all(file)
        print_json([asdict(record) for record in records]) if json else _show(records)


def _show(records: tuple[Record, ...]) -> None:
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


def _show_one(record: Record) -> None:
    out.print(f"[bold]{record.run}[/]  {_when(record.since)}  {escape(record.who)}  {escape(record.why)}")
    for name, host in record.hosts.items():
        out.print(f"[bold]{escape(name)}[/]  {escape(host.ended)}")
        for change in host.changes:
            out.print(f"  {change}", markup=False)
        if host.error:
            out.print(f"  {host.error}", style="red", markup=False)
    out.print(f"{record.ended}; `dockmesh rollback {record.run}` makes its file real again")


def _show_hosts(file: Path, ssh_config: Path | None, names: list[str], *, json: bool) -> None:
    plan = build(load(file))
    lists, errors = asyncio.run(_ask(plan, ssh_config, names))
    if json:
        print_json(
            {name: [{**asdict(ended.run), **_ended_json(ended)} for ended in runs] for name, runs in lists.items()}
        )
    else:
        for name, runs in lists.items():
            table = _table("run", "when", "who", "what", "ended")
            for ended in runs:
                how = "; ".join((ended.how, *ended.failures))
                who = f"{ended.run.who} from {ended.run.come_from}"
                table.add_row(ended.run.id, _when(ended.run.since), escape(who), escape(ended.run.why), escape(how))
            out.print(f"[bold]{escape(name)}[/]")
            out.print(table if runs else "  no run has changed it")
    for error in errors:
        show_error(error)
    if errors:
        raise typer.Exit(1)


def _ended_json(ended: Ended) -> dict[str, object]:
    return {"ended": ended.how, "changes": list(ended.changes), "failures": list(ended.failures)}


async def _ask(
    plan: Plan, ssh_config: Path | None, names: list[str]
) -> tuple[dict[str, tuple[Ended, ...]], list[DockmeshError]]:
    async with fleet(options.choose_hosts(plan, names), ssh_config) as hosts:
        gone = dict(hosts.failed)
        lists = await each(hosts.opened, gone, lambda name: _runs_of(hosts.opened[name]))
        return lists, list(gone.values())


async def _runs_of(host: Transport) -> tuple[Ended, ...]:
    (answer,) = await host.ask(Get(RUNS), together=True)
    return read_runs(answer.out)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _when(since: str) -> str:
    """RFC 3339 as people read it; the zone is UTC, and stays said."""
    return since.replace("T", " ").replace("Z", " UTC")
