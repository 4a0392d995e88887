"""File and hosts compared over open connections: loaded while ssh logs in."""

from dockmesh.apply.inspection import look_at_all
from dockmesh.cli.results import Comparison
from dockmesh.errors import DockmeshError
from dockmesh.inspect.host import Look
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.transport.fleet import Fleet


async def compare(plan: Plan, chosen: tuple[HostPlan, ...], hosts: Fleet) -> Comparison:
    looks = await look_at_all(plan, hosts.opened)
    await hosts.hang_up()
    return Comparison(
        plan.name,
        tuple(host.name for host in chosen),
        {host.name: look for host in chosen if isinstance(look := looks.get(host.name), Look)},
        {**hosts.failed, **{name: look for name, look in looks.items() if isinstance(look, DockmeshError)}},
    )
