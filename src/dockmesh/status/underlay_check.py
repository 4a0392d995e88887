"""Why a tunnel is down: whether the underlay carries anything between the two, and who drops its packets."""

from collections.abc import Sequence
from dataclasses import replace

from dockmesh.facts.iptables import RULES, RULES6, Fate, Packet, walk
from dockmesh.facts.types import HostFacts
from dockmesh.plan.types import HostPlan, TunnelEnd
from dockmesh.status.types import UnderlayCheck
from dockmesh.transport.requests import Answer, Exec, Request


def questions(host: HostPlan, ends: Sequence[TunnelEnd]) -> tuple[Request, ...]:
    """A peer whose place is learned cannot be pinged; it pings us."""
    rules = RULES if host.underlay.version == 4 else RULES6
    found = [end.underlay for end in ends if end.underlay]
    return (rules, *(Exec(("ping", "-n", "-c", "1", "-W", "1", str(address)), timeout_s=3) for address in found))


def read(
    host: HostPlan, facts: HostFacts, ends: Sequence[TunnelEnd], answers: tuple[Answer, ...]
) -> dict[str, UnderlayCheck]:
    """By peer, from the answers to `questions(host, ends)`."""
    rules, *rest = answers
    pings = iter(rest)
    return {
        end.peer: UnderlayCheck(_answered(next(pings)) if end.underlay else None, _rule(host, facts, end, rules))
        for end in ends
    }


def _answered(answer: Answer) -> bool | None:
    """By ping(8): 0 answered, 1 not answered, 2 anything else."""
    return answer.code == 0 if answer.code in (0, 1) else None


def _rule(host: HostPlan, facts: HostFacts, end: TunnelEnd, rules: Answer) -> str:
    """What of iptables drops the tunnel's packets that come from the peer, or go to it; "" for nothing."""
    if not rules.ok:
        return ""
    device = next((link.name for link in facts.links if link.has(host.underlay)), None)
    packet = Packet(protocols=end.kind.encapsulation.protocols, port=end.kind.encapsulation.port)
    incoming = walk(rules.out, "INPUT", replace(packet, came_in=device, source=end.underlay))
    outgoing = walk(rules.out, "OUTPUT", replace(packet, goes_out=device, source=host.underlay))
    return next((seen.rule for seen in (incoming, outgoing) if seen.fate in (Fate.RULE, Fate.POLICY)), "")
