"""The flows of the fabric as the hosts have them."""

from collections.abc import Mapping

from dockmesh.diff.flows import said
from dockmesh.diff.quiesce import is_direct
from dockmesh.facts.types import HostFacts
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.plan.types import Plan

NOT_SEEN = "its flows could not be read"


def problem(facts: HostFacts) -> str:
    """What is wrong with the flows of a host; "" if nothing is."""
    if facts.bridge(FABRIC_BRIDGE) is None:
        return f"there is no {FABRIC_BRIDGE}"
    return NOT_SEEN if facts.flows is None else said(facts.flows)


def loop_danger(plan: Plan, facts: Mapping[str, HostFacts]) -> tuple[str, ...]:
    """Hosts whose bridge forwards frames like a plain switch: it need not wait for flows, or has one that says so."""
    if plan.has_tree:
        return ()
    return tuple(name for name, each in facts.items() if _likes(each))


def _likes(facts: HostFacts) -> bool:
    bridge = facts.bridge(FABRIC_BRIDGE)
    if bridge is None:
        return False
    flows = facts.flows.extra if facts.flows else ()
    return not is_direct(bridge) or any("NORMAL" in flow or "FLOOD" in flow for flow in flows)
