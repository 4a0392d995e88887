"""File and hosts compared over open connections: loaded while ssh logs in."""

from dockmesh.apply.inspection import inspect_all
from dockmesh.cli.results import Comparison
from dockmesh.errors import DockmeshError
from dockmesh.inspect.host import Inspection
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.transport.fleet import Fleet


async def compare(plan: Plan, chosen: tuple[HostPlan, ...], hosts: Fleet) -> Comparison:
    inspections = await inspect_all(plan, hosts.opened)
    await hosts.hang_up()
    return Comparison(
        plan.name,
        tuple(host.name for host in chosen),
        {host.name: inspection for host in chosen if isinstance(inspection := inspections.get(host.name), Inspection)},
        {
            **hosts.failed,
            **{name: inspection for name, inspection in inspections.items() if isinstance(inspection, DockmeshError)},
        },
    )
