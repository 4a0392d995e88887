"""Attached interfaces in the status: what cuts them off, and what came in there that must not."""

from collections.abc import Iterator, Mapping

from dockmesh.diff import attached_interfaces
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.status.drop_counters import LOOPED
from dockmesh.status.types import HostAnswers, HostStatus, StatusFinding


def findings(plan: Plan, host: HostStatus, heard: Mapping[str, HostAnswers]) -> Iterator[StatusFinding]:
    facts, name = heard[host.name].facts, (host.name,)
    with_something = {network.name for network in plan.networks if network.attach}
    for allocation in plan.host(host.name).networks:
        if found := attached_interfaces.problem(allocation, facts):
            yield StatusFinding(name, f"{found[0]}: who is behind it is cut off", found[1])
        if allocation.name in with_something:
            yield from (StatusFinding(name, *each) for each in attached_interfaces.around(allocation, facts))


def interface_warnings(host: HostPlan, heard: HostAnswers) -> tuple[StatusFinding, ...]:
    return tuple(StatusFinding((host.name,), *each) for each in attached_interfaces.warnings(host, heard.facts))


def warnings(plan: Plan, host: HostStatus) -> Iterator[StatusFinding]:
    yield from host.attachment_warnings
    if count := host.drop_counters.get(LOOPED):
        names = ", ".join(
            allocation.attach.interface for allocation in plan.host(host.name).networks if allocation.attach
        )
        what = (
            f"{count:,} frames with addresses of the mesh came in by {names}, attached here, and were dropped: "
            "what goes out there comes back, so there is a loop; or somebody out there pretends to be one of the mesh"
        )
        do = "look for a second way between the two, and at whose MAC addresses they are: `tcpdump -e` on the interface"
        yield StatusFinding((host.name,), what, do)
