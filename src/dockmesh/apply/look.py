"""Read a host and say what must change; writes nothing, but for taking back what an earlier run left unconfirmed."""

import asyncio
from collections.abc import Coroutine, Mapping

from dockmesh.apply.lock import lock
from dockmesh.apply.session import told
from dockmesh.apply.types import Look, Progress
from dockmesh.diff.adopt import adopt
from dockmesh.diff.host import FACT_PATHS, diff
from dockmesh.errors import CommandError, DockmeshError
from dockmesh.facts.gather import gather
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.record.paths import ARMED, RETURNING
from dockmesh.record.run import Run, read_run
from dockmesh.remote.seam import Get, Recall, Transport
from dockmesh.render.host import render

Looks = Mapping[str, Look | DockmeshError]


async def look(plan: Plan, host: HostPlan, transport: Transport) -> Look:
    """Raises ConflictError, HostError and ConnectError."""
    facts = await gather(transport, FACT_PATHS)
    config = render(plan, adopt(host, facts))
    return Look(config, facts, diff(config, facts))


async def look_at_all(plan: Plan, hosts: Mapping[str, Transport]) -> Looks:
    """All hosts together; one host's error is its own."""
    return await _together({name: look(plan, plan.host(name), transport) for name, transport in hosts.items()})


async def lock_and_look_at_all(plan: Plan, hosts: Mapping[str, Transport], run: Run, progress: Progress) -> Looks:
    """The same under each host's lock: what was read stays true, but for what is done by hand."""
    return await _together(
        {name: _lock_and_look(plan, name, transport, run, progress) for name, transport in hosts.items()}
    )


async def _lock_and_look(plan: Plan, name: str, transport: Transport, run: Run, progress: Progress) -> Look:
    await lock(transport, run)
    await take_back_unconfirmed(transport, progress)
    return await look(plan, plan.host(name), transport)


async def take_back_unconfirmed(host: Transport, progress: Progress) -> Run | None:
    """If an earlier run died before it was confirmed, the host goes back now and not some time later. Under the lock.

    Raises CommandError where it cannot, and ConnectError.
    """
    armed, returning = await host.ask(Get(ARMED), Get(RETURNING), together=True)
    if not (armed.ok or returning.ok):
        return None
    earlier = read_run(armed.out or returning.out)
    who = f"{earlier.why} of {earlier.who}, {earlier.since}" if earlier else "an earlier run"
    progress.step(host.name, f"take back what was not confirmed: {who}")
    (answer,) = await host.ask(Recall())
    if not answer.ok and answer.code != 3:
        raise CommandError(
            "could not go back from an earlier run",
            host=host.name,
            answered=answer.err,
            now=told(answer),
            do=f"look at `journalctl -u dockmesh-back` on {host.name}",
        )
    return earlier


async def _together(looks: Mapping[str, Coroutine[None, None, Look]]) -> Looks:
    results = await asyncio.gather(*looks.values(), return_exceptions=True)
    found: dict[str, Look | DockmeshError] = {}
    for name, result in zip(looks, results, strict=True):
        if not isinstance(result, Look | DockmeshError):
            raise result
        found[name] = result
    return found
