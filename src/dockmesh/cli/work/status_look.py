"""Looking at a mesh over open connections, once or until Ctrl-C, and showing what is seen."""

import asyncio
import json as json_text
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from rich.live import Live

from dockmesh.cli.json.status import status_json
from dockmesh.cli.screens.status import line, screen
from dockmesh.cli.show import out, print_json
from dockmesh.cli.work.connections import Connections
from dockmesh.plan.types import Plan
from dockmesh.status.collect import collect
from dockmesh.status.judge import judge
from dockmesh.status.types import Status
from dockmesh.visible import visible, visible_json

EVERY_S = 2.0


async def look_once(plan: Plan, connections: Connections) -> Status:
    heard, gone = await collect(plan, connections.opened, connections.failed)
    await connections.hang_up()
    return judge(plan, heard, gone, datetime.now(UTC))


def show(found: Status, *, json: bool) -> None:
    if json:
        print_json(status_json(found))
    else:
        # On a terminal words stay whole; in a log a line stays a line.
        out.print(screen(found), soft_wrap=not out.is_terminal)


async def watch(plan: Callable[[], Plan], connections: Connections, *, json: bool) -> None:
    """Look again every two seconds, for ever; `plan` is asked again each time, for certificates may be renewed."""
    rounds = _rounds(plan, connections)
    if json:
        async for found in rounds:
            print(visible_json(json_text.dumps(status_json(found), ensure_ascii=False)), flush=True)  # noqa: T201
    elif out.is_terminal:
        with Live(console=out, auto_refresh=False) as live:
            async for found in rounds:
                live.update(screen(found), refresh=True)
    else:
        before: tuple[str, ...] = ()
        async for found in rounds:
            before = _log(found, before)


async def _rounds(plan_of_now: Callable[[], Plan], connections: Connections) -> AsyncIterator[Status]:
    """A status every two seconds; hosts that are lost are tried again beside it."""
    while True:
        began, plan = time.monotonic(), plan_of_now()
        heard, gone = await collect(plan, connections.opened, connections.failed)
        yield judge(plan, heard, gone, datetime.now(UTC))
        await connections.mend(gone)
        await asyncio.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))


def _log(found: Status, before: tuple[str, ...]) -> tuple[str, ...]:
    """A line a round, and below it what is not right where that has changed."""
    print(f"{time.strftime('%H:%M:%S')}  {line(found)}", flush=True)  # noqa: T201
    wrong = tuple(f"  {', '.join(finding.hosts)}: {finding.what}" for finding in found.findings)
    if wrong != before:
        for text in wrong:
            print(visible(text), flush=True)  # noqa: T201
    return wrong
