"""Whether the resolver can have its port: one host at a time."""

from collections.abc import Iterator

from dockmesh.plan.types import Plan
from dockmesh.preflight.types import Check, Finding, HostEvidence, Level
from dockmesh.render.names import UNIT, addresses

PORT = 53


def judge(plan: Plan, evidence: HostEvidence) -> Iterator[Finding]:
    """Every server of DNS listens by TCP, too, and only of that the host says at which address."""
    if plan.domain is None:
        return
    facts = evidence.facts
    name = (facts.name,)
    if facts.units.get(UNIT, {}).get("ActiveState") == "active":
        yield Finding(Check.NAMES, Level.FINE, name, "the resolver runs")
        return
    wanted = {str(network.address.ip) for network in plan.host(facts.name).networks}
    taken = sorted(
        str(each)
        for each in evidence.around.tcp_listeners
        if each.port == PORT and (each.address.is_unspecified or str(each.address) in wanted)
    )
    if taken:
        shown = ", ".join(taken)
        what = f"another DNS server listens at {shown}, where the resolver of the mesh is to be"
        do = (
            "tell it to leave docker0 alone (dnsmasq: `bind-interfaces` and `except-interface=docker0`; "
            "BIND: `listen-on`), or set `domain: false` in the mesh file"
        )
        yield Finding(Check.NAMES, Level.BLOCKER, name, what, do)
    else:
        asked = " and ".join(addresses(plan.host(facts.name)))
        yield Finding(Check.NAMES, Level.FINE, name, f"port {PORT} is free at {asked}")
