"""A drill from the choice of its faults to the record of what came out, for `dockmesh drill run`."""

import asyncio
import random
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path

from dockmesh.apply.inspection import lock_all
from dockmesh.apply.lock import new_run
from dockmesh.cli.screens.drill import Screen, show_end
from dockmesh.cli.screens.progress import HostProgress
from dockmesh.cli.show import err, print_json
from dockmesh.drill import faults, history
from dockmesh.drill import run as running
from dockmesh.drill.faults import ABOUT
from dockmesh.drill.hosts import HostsInjector
from dockmesh.drill.injector import FaultInjector
from dockmesh.drill.lab import LabInjector
from dockmesh.drill.predict import INTERVAL_MS
from dockmesh.drill.record import DrillRecord, drill_json
from dockmesh.drill.run import Drill
from dockmesh.drill.types import Fault, FaultKind
from dockmesh.errors import UsageError
from dockmesh.lab.model import Lab
from dockmesh.plan.types import Plan
from dockmesh.record.run import Run
from dockmesh.transport.fleet import fleet

WHY = "drill"


@dataclass(frozen=True, slots=True)
class DrillOptions:
    """`hold_s`: how long each fault lasts, if not as long as an outage may."""

    plan: Plan
    faults: tuple[Fault, ...]
    hold_s: float | None
    interval_ms: int = INTERVAL_MS

    def drill(self, ssh_config: Path | None, injector: FaultInjector, screen: Screen) -> Drill:
        return Drill(self.plan, ssh_config, injector, screen, self.hold_s, self.interval_ms)


Work = Callable[[Screen, Run], Coroutine[None, None, None]]


def harmless(plan: Plan) -> tuple[FaultKind, ...]:
    """What may be done on real hosts; a userspace datapath cannot lose a part of its packets only."""
    impairing = () if plan.fabric.in_kernel else (FaultKind.LOSSY, FaultKind.SLOW)
    return tuple(kind for kind, about in ABOUT.items() if about.harmless and kind not in impairing)


def choose(
    plan: Plan, wanted: Sequence[str], seed: int, count: int | None, kinds: Sequence[FaultKind]
) -> tuple[Fault, ...]:
    """The faults that are named, or so many drawn ones.

    Raises UsageError.
    """
    if not wanted and count is None:
        raise UsageError("no fault is named", do="name some of `dockmesh drill list`, or draw them: --count 3 --seed 1")
    if count is None:
        dice = random.Random(seed)  # noqa: S311  no secret
        chosen = tuple(faults.parse(text, plan, dice) for text in wanted)
    else:
        if unknown := [word for word in wanted if word not in list(FaultKind)]:
            raise UsageError(
                f"--count draws the places itself, so {unknown[0]!r} is too much",
                do=f"name kinds only: {', '.join(FaultKind)}",
            )
        chosen = faults.draw_many(plan, [FaultKind(word) for word in wanted] or kinds, seed, count)
    if refused := [fault for fault in chosen if fault.kind not in kinds]:
        raise UsageError(
            f"{refused[0]} is not done on the real hosts of this mesh",
            now="no fault was made",
            do=f"take {', '.join(kinds)}; all others are for a lab",
        )
    return chosen


def ask_again(plan: Plan, chosen: Sequence[Fault], confirm: str | None) -> None:
    """Real hosts are asked for twice: by the option, and by the name of their mesh.

    Raises UsageError unless it is said.
    """
    err.print(f"On the real hosts of mesh '{plan.name}', one after another:", markup=False)
    for fault in chosen:
        err.print(f"  {fault}: {faults.words(fault)}, of their tunnels", markup=False)
    err.print(
        "SSH and all else that is not in a tunnel passes. Whatever becomes of this command, each host heals itself."
    )
    if confirm is None and sys.stdin.isatty():
        err.print("Write the name of the mesh to go on: ", end="")
        confirm = sys.stdin.readline().strip()
    if confirm != plan.name:
        raise UsageError(
            "no fault is made on real hosts without the name of their mesh",
            now="no fault was made",
            do=f"--confirm {plan.name}",
        )


async def in_lab(opts: DrillOptions, lab: Lab, screen: Screen, _: Run) -> None:
    await running.carry_out(opts.drill(lab.ssh_config, LabInjector(lab), screen), opts.faults)


async def on_hosts(opts: DrillOptions, ssh_config: Path | None, screen: Screen, run: Run) -> None:
    """Over connections of its own, which have the locks: a drill and an apply do not meet."""
    async with fleet(opts.plan.hosts, ssh_config) as hosts:
        for error in (*hosts.failed.values(), *(await lock_all(hosts.opened, run, HostProgress(()))).values()):
            raise error
        injector = HostsInjector(opts.plan, hosts.opened)
        await running.carry_out(opts.drill(ssh_config, injector, screen), opts.faults)


def carry_out(opts: DrillOptions, work: Work, file: Path, *, seed: int, place: str, json: bool) -> DrillRecord:
    """The drill, shown and kept for the history, however it ends. `place`: "lab" or "hosts"."""
    plan = opts.plan
    screen, run = Screen(plan), new_run(WHY)
    ended = "failed"
    try:
        with screen:
            asyncio.run(work(screen, run))
        ended = "done"
    except KeyboardInterrupt:
        ended = "interrupted"
        raise
    finally:
        record = DrillRecord(
            run=run.id,
            who=run.who,
            since=run.since,
            mesh=plan.name,
            place=place,
            forwarding=str(plan.fabric.forwarding),
            seed=seed,
            interval_ms=opts.interval_ms,
            ended=ended,
            chosen=tuple(map(str, opts.faults)),
            faults=tuple(screen.records),
        )
        if record.faults or ended == "interrupted":
            _keep(file, record)
        if record.faults and json:
            print_json(drill_json(record))
        elif record.faults:
            show_end(record)
    return record


def _keep(file: Path, record: DrillRecord) -> None:
    try:
        history.save(file, record)
    except OSError as error:
        err.print(f"this drill could not be kept for the history: {error}", markup=False)
