"""`dockmesh status`."""

import asyncio
import json as json_text
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.live import Live

from dockmesh.cli import options
from dockmesh.cli.connections import Connections
from dockmesh.cli.diff import applied_json
from dockmesh.cli.show import error_json, out, print_json
from dockmesh.cli.status_screen import line, screen
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.spec.load import load
from dockmesh.status.collect import collect
from dockmesh.status.judge import judge
from dockmesh.status.said import RunSaid
from dockmesh.status.types import HostStatus, Status

EVERY_S = 2.0


def status(
    *,
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again every two seconds, over the same connections, until Ctrl-C.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Show the mesh as it is now: hosts, tunnels, the way between each two, drift, locks; and why what is not right.

    Asks every host once and changes nothing. Sends nothing through the mesh: that is what `dockmesh verify` does.
    Exit code 1 if anything is not right; with --watch 0 when it is ended by Ctrl-C.
    """
    plan = build(load(file))
    chosen = options.choose_hosts(plan, host)
    if watch:
        try:
            asyncio.run(_watch(plan, chosen, ssh_config, json=json))
        except KeyboardInterrupt:
            return
    found = asyncio.run(_once(plan, chosen, ssh_config))
    if json:
        print_json(status_json(found))
    else:
        # On a terminal words stay whole; in a log a line stays a line.
        out.print(screen(found), soft_wrap=not out.is_terminal)
    if found.findings:
        raise typer.Exit(1)


async def _once(plan: Plan, chosen: tuple[HostPlan, ...], ssh_config: Path | None) -> Status:
    async with Connections(chosen, ssh_config) as connections:
        return judge(plan, *await collect(plan, connections.opened, connections.failed))


async def _rounds(plan: Plan, connections: Connections) -> AsyncIterator[Status]:
    """A status every two seconds; hosts that are lost are tried again beside it."""
    while True:
        began = time.monotonic()
        heard, gone = await collect(plan, connections.opened, connections.failed)
        yield judge(plan, heard, gone)
        await connections.mend(gone)
        await asyncio.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))


async def _watch(plan: Plan, chosen: tuple[HostPlan, ...], ssh_config: Path | None, *, json: bool) -> None:
    async with Connections(chosen, ssh_config) as connections:
        rounds = _rounds(plan, connections)
        if json:
            async for found in rounds:
                print(json_text.dumps(status_json(found), ensure_ascii=False), flush=True)  # noqa: T201
        elif out.is_terminal:
            with Live(console=out, auto_refresh=False) as live:
                async for found in rounds:
                    live.update(screen(found), refresh=True)
        else:
            before: tuple[str, ...] = ()
            async for found in rounds:
                before = _log(found, before)


def _log(found: Status, before: tuple[str, ...]) -> tuple[str, ...]:
    """A line a round, and below it what is not right where that has changed."""
    print(f"{time.strftime('%H:%M:%S')}  {line(found)}", flush=True)  # noqa: T201
    wrong = tuple(f"  {', '.join(finding.hosts)}: {finding.what}" for finding in found.findings)
    if wrong != before:
        for text in wrong:
            print(text, flush=True)  # noqa: T201
    return wrong


def status_json(found: Status) -> dict[str, Any]:
    """The status under stable names; docs/reference/json.md describes them."""
    return {
        "name": found.name,
        "right": not found.findings,
        "forwarding": found.forwarding,
        "root": found.root,
        "hosts": [_host_json(host) for host in found.hosts],
        "tunnels": [
            {"host": end.host, "peer": end.peer, "port": end.port, "state": str(end.state), "wrong": end.wrong}
            for end in found.tunnels
        ],
        "ways": [{"a": way.a, "b": way.b, "hosts": list(way.hosts)} for way in found.ways],
        "findings": [
            {"hosts": list(finding.hosts), "what": finding.what, "do": finding.do} for finding in found.findings
        ],
    }


def _host_json(host: HostStatus) -> dict[str, Any]:
    return {
        "name": host.name,
        "error": error_json(host.error) if host.error else None,
        "system": host.system,
        "applied": applied_json(host.applied),
        "open_vswitch": host.switch,
        "datapath": host.datapath,
        "docker": host.docker,
        "containers": host.containers,
        "root": host.root,
        "differences": [
            {"subject": change.subject, "origin": str(change.origin), "because": change.because}
            for change in host.differences
        ],
        "refused": error_json(host.refused) if host.refused else None,
        "lock": _run_json(host.said.lock),
        "not_confirmed": _run_json(host.said.armed),
        "goes_back": _run_json(host.said.returning),
        "last_run": _run_json(host.said.last),
    }


def _run_json(run: RunSaid | None) -> dict[str, str] | None:
    if run is None:
        return None
    return {
        "run": run.run,
        "who": run.who,
        "from": run.come_from,
        "when": run.when,
        "what": run.what,
        "ended": run.ended,
    }
