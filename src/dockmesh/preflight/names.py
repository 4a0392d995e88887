"""Whether the resolver can have its port: one host at a time."""

from collections.abc import Iterator
from itertools import product

from dockmesh.facts.iptables import Fate, Packet
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.preflight.firewalls import find_managers, who_drops
from dockmesh.preflight.types import Check, Finding, HostEvidence, Level
from dockmesh.render.names import UNIT, addresses

PORT = 53


def judge(plan: Plan, evidence: HostEvidence) -> Iterator[Finding]:
    """Every server of DNS listens by TCP, too, and only of that the host says at which address."""
    if plan.domain is None:
        return
    facts = evidence.facts
    name = (facts.name,)
    yield from _shut(evidence, plan.host(facts.name), name)
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


def _shut(evidence: HostEvidence, host: HostPlan, name: tuple[str, ...]) -> Iterator[Finding]:
    """Questions of containers go to the host itself, so through the rules for what comes in."""
    for network, protocol in product(host.networks, ("udp", "tcp")):
        container = network.pool.network_address + 1
        packet = Packet(network.bridge, protocols=(protocol,), port=PORT, source=container, to_host=True)
        seen = who_drops(evidence, packet)
        if seen.fate in (Fate.RULE, Fate.POLICY):
            where = f"{protocol} port {PORT}: {seen.rule}"
            what = f"its firewall keeps containers of {network.name} from the resolver, {where}"
            yield Finding(Check.NAMES, Level.BLOCKER, name, what, _how_to_open(evidence, network.bridge))
            return


def _how_to_open(evidence: HostEvidence, bridge: str) -> str:
    managers = find_managers(evidence)
    if "ufw" in managers:
        return f"`ufw allow in on {bridge} to any port {PORT}`"
    if "firewalld" in managers:
        return "`firewall-cmd --permanent --zone=docker --add-service=dns`, then `firewall-cmd --reload`"
    opened = " and ".join(
        f"`iptables -I INPUT -i {bridge} -p {protocol} --dport {PORT} -j ACCEPT`" for protocol in ("udp", "tcp")
    )
    return f"{opened}, or the same where its rules are kept"
