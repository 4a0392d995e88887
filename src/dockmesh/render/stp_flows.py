"""HostPlan → the OpenFlow rules beside a spanning tree: nobody here sends in the name of another host.

The bridge does as it would without them (`NORMAL`) with all that may pass. So frames go where the tree says, and if
these rules are lost, nothing is but the guard. The text is what `render/flows.py` promises of one, and has no groups.
"""

from collections.abc import Iterator

from dockmesh.plan.types import HostPlan, Plan
from dockmesh.render.antispoof import antispoof_flows
from dockmesh.render.attached_antispoof import attached_antispoof
from dockmesh.render.openflow import Counts, Flow, drop, flow, text_of

TAGGED = "vlan_tci=0x1000/0x1000"


def bundle(plan: Plan, host: HostPlan) -> str:
    return text_of((), list(_flows(plan, host)))


def _flows(plan: Plan, host: HostPlan) -> Iterator[Flow]:
    for network in host.networks:
        port = f"in_port={'LOCAL' if network.port is None else network.port}"
        # An access port takes off a tag of VLAN 0, and what is below it may be a tag of another network's.
        yield drop(0, 200, f"{port},{TAGGED}", Counts.OTHER)
        yield from antispoof_flows(plan, host, network, "NORMAL", table=0, base=0, match=port)
        if attach := network.attach:
            yield drop(0, 200, f"in_port={attach.port},{TAGGED}", Counts.OUTSIDE)
            yield from attached_antispoof(plan, network, attach, "NORMAL", table=0)
    yield flow(0, 0, "", "NORMAL")
