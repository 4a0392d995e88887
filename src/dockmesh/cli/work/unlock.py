"""`dockmesh unlock`."""

import asyncio
from pathlib import Path

import typer

from dockmesh.apply.inspection import roll_back_unconfirmed
from dockmesh.cli import options
from dockmesh.cli.screens.progress import HostProgress
from dockmesh.cli.show import err, out, show_error
from dockmesh.errors import CommandError, DockmeshError
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.plan.types import Plan
from dockmesh.record.run import read_run
from dockmesh.transport.fanout import all_of
from dockmesh.transport.fleet import fleet
from dockmesh.transport.requests import Transport, Unlock

NOBODY = 3


def unlock(host: list[str] | None, file: Path, ssh_config: Path | None) -> None:
    plan = build(load(file))
    if errors := asyncio.run(_unlock(plan, ssh_config, host)):
        for error in errors:
            show_error(error)
        raise typer.Exit(1)


async def _unlock(plan: Plan, ssh_config: Path | None, names: list[str] | None) -> list[DockmeshError]:
    async with fleet(options.choose_hosts(plan, names), ssh_config) as hosts:
        progress = HostProgress(tuple(hosts.opened))
        results = await all_of({name: _free(host, progress) for name, host in hosts.opened.items()})
        return [*hosts.failed.values(), *(result for result in results.values() if result is not None)]


async def _free(host: Transport, progress: HostProgress) -> None:
    (answer,) = await host.ask(Unlock())
    if not answer.ok and answer.code != NOBODY:
        raise CommandError(
            "could not free the lock",
            host=host.name,
            answered=answer.err,
            now="it is held still",
            do=f"end what `fuser -v /run/dockmesh.lock` names on {host.name}, then run this again",
        )
    holder = read_run(answer.out) if answer.ok else None
    if holder:
        out.print(f"{host.name}: ended {holder.why} of {holder.who} from {holder.come_from}", markup=False)
    earlier = await roll_back_unconfirmed(host, progress)
    if earlier:
        out.print(f"{host.name}: rolled back to what it was before {earlier.why} of {earlier.who}", markup=False)
    elif not holder:
        err.print(f"{host.name}: nobody holds its lock", markup=False)
