"""Read a host and say what must change; writes nothing."""

import asyncio
from collections.abc import Mapping

from dockmesh.apply.types import Look
from dockmesh.diff.adopt import adopt
from dockmesh.diff.host import FACT_PATHS, diff
from dockmesh.errors import DockmeshError
from dockmesh.facts.gather import gather
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.remote.seam import Transport
from dockmesh.render.host import render


async def look(plan: Plan, host: HostPlan, transport: Transport) -> Look:
    """Raises ConflictError, HostError and ConnectError."""
    facts = await gather(transport, FACT_PATHS)
    config = render(plan, adopt(host, facts))
    return Look(config, facts, diff(config, facts))


async def look_at_all(plan: Plan, hosts: Mapping[str, Transport]) -> dict[str, Look | DockmeshError]:
    """All hosts together; one host's error is its own."""
    results = await asyncio.gather(
        *(look(plan, plan.host(name), transport) for name, transport in hosts.items()), return_exceptions=True
    )
    for result in results:
        if not isinstance(result, Look | DockmeshError):
            raise result
    return {
        name: result for name, result in zip(hosts, results, strict=True) if isinstance(result, Look | DockmeshError)
    }
