"""Preflight as the first part of apply: a host with something against it gets no fabric."""

from collections.abc import Mapping

from dockmesh.apply.inspection import Inspections
from dockmesh.cli.screens.progress import HostProgress
from dockmesh.errors import HostError
from dockmesh.inspect.host import Inspection
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.plan.types import Plan
from dockmesh.preflight.run import SKIP, blockers, partners
from dockmesh.transport.requests import Transport


async def keep_out(plan: Plan, hosts: Mapping[str, Transport], inspections: Inspections) -> Inspections:
    """The inspections, with the reason in place of each host that is better left alone.

    Only hosts that have no fabric yet are asked, and those that they are to be linked to; else it costs nothing.
    """
    new = [
        name
        for name, inspection in inspections.items()
        if isinstance(inspection, Inspection) and inspection.facts.bridge(FABRIC_BRIDGE) is None
    ]
    progress = HostProgress(tuple(partners(plan, hosts, new)))
    with progress:
        found = await blockers(plan, hosts, new, progress)
        for name in partners(plan, hosts, new):
            progress.done(name, "looked at") if name not in found else progress.failed(name, "is left alone")
    return {**inspections, **{name: _together(name, why) for name, why in found.items()}}


def _together(name: str, why: tuple[HostError, ...]) -> HostError:
    if len(why) == 1:
        return why[0]
    return HostError(
        f"preflight found {len(why)} problems",
        host=name,
        answered="\n".join(error.report.what for error in why),
        now="nothing was changed on this host",
        do=f"see `dockmesh preflight` for the fix of each; {SKIP}",
    )
