"""The only writer: all hosts at once, each step by step, none harmed by another's failure.

Each host, locked and read by now: install, take br0 out of docker0 if Docker will change. Then all wait for all. Then
Docker, files, fabric, and br0 back in. So at no moment does anybody reach two owners of one address, wherever it stops.
"""

import asyncio
import time
from collections.abc import Awaitable, Coroutine, Iterable, Mapping
from dataclasses import replace

from dockmesh.apply import docker
from dockmesh.apply.install import install, what_installs
from dockmesh.apply.look import Looks, look
from dockmesh.apply.owners import read_owners, refuse_second_owner
from dockmesh.apply.record import record
from dockmesh.apply.types import Look, Outcome, Progress
from dockmesh.apply.upgrade import upgrade
from dockmesh.diff.packages import DOCKER
from dockmesh.diff.types import Change, Step, StepName
from dockmesh.errors import DatapathError, DockmeshError, HostError
from dockmesh.facts.types import Docker
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.remote.seam import Transport, demand

AFTER_BARRIER = (StepName.DOCKER, StepName.FILES, StepName.FABRIC, StepName.ATTACH)
SETTLE_S, POLL_S = 10, 0.2
AGAIN = "mend what it says, then run `dockmesh apply` again: it goes on from where this host is"


async def apply(plan: Plan, hosts: Mapping[str, Transport], looks: Looks, progress: Progress) -> tuple[Outcome, ...]:
    """Make the plan real on these hosts; an Outcome for each, in the order of the plan.

    `looks` are of `lock_and_look_at_all` for the same hosts. A host that could not be looked at is not changed.
    """
    names = [host.name for host in plan.hosts if host.name in hosts]
    done: dict[str, list[Change]] = {name: [] for name in names}
    looks, gaps = await upgrade(plan, hosts, looks, done, progress)
    prepared = await _each(names, (_prepare(plan, looks[name], hosts[name], done[name], progress) for name in names))
    ready = {name: found for name, found in prepared.items() if not isinstance(found, DockmeshError)}
    owners = await read_owners([hosts[name] for name in names if name not in ready])
    finished = await _each(
        list(ready), (_finish(hosts[name], found, owners, done[name], progress) for name, found in ready.items())
    )
    outcomes = []
    for name, result in {**prepared, **finished}.items():
        error = result if isinstance(result, DockmeshError) else None
        if error:
            progress.failed(name, error.report.what)
        outcomes.append(Outcome(name, tuple(done[name]), error, gaps.get(name, ())))
    return tuple(outcomes)


async def _each(names: Iterable[str], work: Iterable[Coroutine[None, None, Look]]) -> dict[str, Look | DockmeshError]:
    """Run all, let all end, and only then pass on a bug of ours: it must not stop another host half-way."""
    results = await asyncio.gather(*work, return_exceptions=True)
    ended: dict[str, Look | DockmeshError] = {}
    for name, result in zip(names, results, strict=True):
        if isinstance(result, BaseException) and not isinstance(result, DockmeshError):
            raise result
        ended[name] = result
    return ended


async def _prepare(
    plan: Plan, found: Look | DockmeshError, transport: Transport, done: list[Change], progress: Progress
) -> Look:
    if isinstance(found, DockmeshError):
        raise found
    host = plan.host(transport.name)
    if step := found.diff.step(StepName.INSTALL):
        progress.step(host.name, what_installs(step))
        await _at(step, install(transport, found.config, step, progress))
        # Docker's settings are written before Docker comes, so that is done with it.
        settings = found.diff.step(StepName.DOCKER) if set(DOCKER) & set(step.installs) else None
        done += [*step.changes, *(settings.changes if settings else ())]
        found = await _look_when_settled(plan, host, transport)
    if step := found.diff.step(StepName.SWITCH):
        progress.step(host.name, step.name)
        await _at(step, demand(transport, "could not start Open vSwitch", *step.requests))
        done += step.changes
        found = await _look_when_settled(plan, host, transport)
    if step := found.diff.step(StepName.DETACH):
        progress.step(host.name, step.name)
        await _at(step, demand(transport, "could not take br0 out of docker0", *step.requests))
        done += step.changes
    return found


async def _look_when_settled(plan: Plan, host: HostPlan, transport: Transport) -> Look:
    """What waits for a fresh Open vSwitch to move the underlay into a bridge of its may need a moment."""
    deadline = time.monotonic() + SETTLE_S
    while True:
        try:
            return await look(plan, host, transport)
        except DatapathError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(POLL_S)


async def _finish(
    transport: Transport, found: Look, owners: Mapping[str, Docker], done: list[Change], progress: Progress
) -> Look:
    for name in AFTER_BARRIER:
        if (step := found.diff.step(name)) is None:
            continue
        progress.step(found.config.host, step.name)
        if name is StepName.DOCKER:
            await _at(step, docker.configure(transport, found, step))
        else:
            if name is StepName.ATTACH:
                refuse_second_owner(found, owners)
            await _at(step, demand(transport, f"could not {step.name}", *step.requests))
        done += step.changes
    await record(transport, found)
    progress.done(found.config.host, _summary(done))
    return found


async def _at(step: Step, work: Awaitable[object]) -> None:
    """Name the step in whatever goes wrong in it."""
    try:
        await work
    except HostError as error:
        report = error.report
        error.report = replace(report, step=step.name, do=report.do or AGAIN)
        raise


def _summary(done: list[Change]) -> str:
    if not done:
        return "nothing to change"
    return f"{len(done)} changes" if len(done) > 1 else "1 change"
