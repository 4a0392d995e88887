"""`dockmesh history`."""

import asyncio
from dataclasses import asdict
from pathlib import Path

import typer

from dockmesh.cli import options
from dockmesh.cli.screens.history import show_hosts, show_run, show_runs
from dockmesh.cli.show import print_json, show_error
from dockmesh.errors import DockmeshError, UsageError
from dockmesh.history.store import find, load_all
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.plan.types import Plan
from dockmesh.record.paths import RUNS
from dockmesh.record.run import Ended, read_runs
from dockmesh.transport.fanout import each
from dockmesh.transport.fleet import fleet
from dockmesh.transport.requests import Get, Transport


def history(run: str | None, file: Path, ssh_config: Path | None, host: list[str] | None, *, json: bool) -> None:
    if host and run:
        raise UsageError("a run and --host do not go together", do="leave one of them out")
    if host:
        _show_hosts(file, ssh_config, host, json=json)
    elif run:
        record = find(file, run)
        print_json(asdict(record)) if json else show_run(record)
    else:
        records = load_all(file)
        print_json([asdict(record) for record in records]) if json else show_runs(records)


def _show_hosts(file: Path, ssh_config: Path | None, names: list[str], *, json: bool) -> None:
    plan = build(load(file))
    lists, errors = asyncio.run(_ask(plan, ssh_config, names))
    if json:
        print_json(
            {name: [{**asdict(ended.run), **_ended_json(ended)} for ended in runs] for name, runs in lists.items()}
        )
    else:
        show_hosts(lists)
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
