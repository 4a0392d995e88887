"""A command of Docker's about one container, wherever in the mesh it is."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dockmesh.cli import options
from dockmesh.cli.loading import load_modules
from dockmesh.containers.collect import collect
from dockmesh.containers.find import find, host_in, missing
from dockmesh.containers.types import Container
from dockmesh.errors import DockmeshError
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.transport.fleet import fleet
from dockmesh.transport.interactive import run_interactive

CONNECT_TIMEOUT_S = 5  # whoever asks for one container does not want to wait for hosts that are dead
LATER = ("dockmesh.cli.show",)


@dataclass(frozen=True, slots=True)
class Order:
    """`words` makes the argv for the container's host. `terminal` and `reads` are as in `run_interactive`."""

    verb: str
    words: Callable[[Container], tuple[str, ...]]
    running: bool = False  # only one that runs can be meant
    terminal: bool = False
    reads: bool = False


@dataclass(frozen=True, slots=True)
class PlannedMesh:
    plan: Plan
    file: Path
    ssh_config: Path | None


def run(name: str, order: Order, file: Path, ssh_config: Path | None, host: list[str] | None) -> int:
    """Find the container and run the command there; its exit code.

    Raises UsageError for a name that means several, DockmeshError for one that means none.
    """
    plan = build(load(file))
    return asyncio.run(_run(name, order, PlannedMesh(plan, file, ssh_config), options.choose_hosts(plan, host)))


async def _run(name: str, order: Order, mesh: PlannedMesh, chosen: tuple[HostPlan, ...]) -> int:
    # Who names the host need not wait for the others.
    named = host_in(name, [host.name for host in chosen])
    only = tuple(host for host in chosen if host.name == named)
    for hosts in (only, chosen) if only and only != chosen else (chosen,):
        if (code := await _among(name, order, mesh, hosts, last=hosts is chosen)) is not None:
            return code
    raise AssertionError("the last look finds it or raises")


async def _among(name: str, order: Order, mesh: PlannedMesh, hosts: tuple[HostPlan, ...], *, last: bool) -> int | None:
    """None: it is not on these, and others have not been asked."""
    async with fleet(hosts, mesh.ssh_config, CONNECT_TIMEOUT_S, meanwhile=load_modules(*LATER)) as connections:
        from dockmesh.cli.seen import remember
        from dockmesh.cli.show import show_error

        found, gone = await collect(mesh.plan, connections.opened, connections.failed, stopped=True)
        await connections.hang_up()
        remember(mesh.file, found)
        if not last and gone:
            raise next(iter(gone.values()))
        for host in hosts:
            if host.name in gone:
                show_error(gone[host.name])
        containers = [each for host in hosts for each in found.get(host.name, ())]
        one = find(name, containers, verb=order.verb, running=order.running)
        if one is None:
            if last:
                raise missing(name, containers, silent=[host.name for host in hosts if host.name in gone])
            return None
        if order.running and not one.runs:
            raise DockmeshError(
                f"{one.full_name} does not run: {one.status or one.state}",
                do=f"`dockmesh logs {one.full_name}` may say why",
            )
        return await run_interactive(
            mesh.plan.host(one.host), connections.config, order.words(one), terminal=order.terminal, reads=order.reads
        )
