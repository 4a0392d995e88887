"""Read a host and say what must change; writes nothing."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import replace

from dockmesh.apply.install import refuse_unmet
from dockmesh.apply.lock import lock
from dockmesh.apply.types import Look
from dockmesh.diff.adopt import adopt
from dockmesh.diff.host import FACT_PATHS, diff
from dockmesh.diff.origin import explain
from dockmesh.errors import DockmeshError
from dockmesh.facts.gather import gather, gather_packages
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.remote.seam import Transport
from dockmesh.render.host import render

Looks = Mapping[str, Look | DockmeshError]


async def look(plan: Plan, host: HostPlan, transport: Transport) -> Look:
    """Raises ConflictError, HostError and ConnectError."""
    facts = await gather(transport, FACT_PATHS)
    if plan.debs:
        facts = replace(facts, packages=await gather_packages(transport))
    config = render(plan, adopt(host, facts))
    found = explain(plan, config, facts, diff(config, facts))
    await refuse_unmet(transport, found.steps)
    return Look(config, facts, found, tuple(sorted(each.name for each in plan.hosts)))


async def look_at_all(plan: Plan, hosts: Mapping[str, Transport]) -> Looks:
    """All hosts together; one host's error is its own."""
    return await _together({name: look(plan, plan.host(name), transport) for name, transport in hosts.items()})


async def lock_and_look_at_all(plan: Plan, hosts: Mapping[str, Transport]) -> Looks:
    """The same under each host's lock: what was read stays true, but for what is done by hand."""
    return await _together({name: _lock_and_look(plan, name, transport) for name, transport in hosts.items()})


async def _lock_and_look(plan: Plan, name: str, transport: Transport) -> Look:
    await lock(transport)
    return await look(plan, plan.host(name), transport)


async def _together(looks: Mapping[str, Coroutine[None, None, Look]]) -> Looks:
    results = await asyncio.gather(*looks.values(), return_exceptions=True)
    found: dict[str, Look | DockmeshError] = {}
    for name, result in zip(looks, results, strict=True):
        if not isinstance(result, Look | DockmeshError):
            raise result
        found[name] = result
    return found
