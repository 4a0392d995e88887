"""Asks every host at once: one round trip, and a second one to hosts that have a tunnel down."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain, islice

from dockmesh.errors import DockmeshError
from dockmesh.facts.types import HostFacts
from dockmesh.inspect.host import inquiry
from dockmesh.plan.types import Plan, TunnelEnd
from dockmesh.status import drop_counters, run_state, underlay_check
from dockmesh.status.types import HostAnswers
from dockmesh.transport.fanout import each
from dockmesh.transport.requests import Transport
from dockmesh.typed import of_its_type
from dockmesh.verify import tunnel
from dockmesh.verify.tunnel import TunnelState

# A host that takes longer is told as silent: whoever looks wants an answer about the others.
DEADLINE_S, DOCKER_DEADLINE_S = 5.0, 3.0


async def collect(
    plan: Plan, hosts: Mapping[str, Transport], unreachable: Mapping[str, DockmeshError]
) -> tuple[dict[str, HostAnswers], dict[str, DockmeshError]]:
    """What was heard of each host, and why of the others nothing was."""
    gone = dict(unreachable)
    heard = await each(hosts, gone, lambda name: _ask(plan, hosts[name]))
    down = _down(plan, {name: found.facts for name, found in heard.items()})
    if down:
        heard |= await each(down, gone, lambda name: _check_underlay(plan, hosts[name], heard[name], down[name]))
    return {name: found for name, found in heard.items() if name not in gone}, gone


async def _ask(plan: Plan, host: Transport) -> HostAnswers:
    asked = inquiry(plan, host.name, docker_s=DOCKER_DEADLINE_S)
    parts = (asked.requests, run_state.QUESTIONS, drop_counters.QUESTIONS)
    answers = iter(await host.ask(*chain(*parts), together=True, within_s=DEADLINE_S))
    facts, runs, drops = (tuple(islice(answers, len(part))) for part in parts)
    return of_its_type(
        HostAnswers(
            asked.read(host.name, facts), run_state.read_runs(runs), {}, drop_counters.read(drops), asked.bundle
        )
    )


def _down(plan: Plan, facts: Mapping[str, HostFacts]) -> dict[str, list[TunnelEnd]]:
    """By host its tunnels that are down though the peer answers."""
    ends = tunnel.read_ends(plan, facts)
    found: dict[str, list[TunnelEnd]] = {}
    for host in plan.hosts:
        for end in host.tunnels:
            if (
                end.peer in facts
                and (host.name, end.peer) in ends
                and ends[host.name, end.peer].state is TunnelState.DOWN
            ):
                found.setdefault(host.name, []).append(end)
    return found


async def _check_underlay(plan: Plan, host: Transport, known: HostAnswers, ends: list[TunnelEnd]) -> HostAnswers:
    questions = underlay_check.questions(plan.host(host.name), ends)
    answers = await host.ask(*questions, together=True, within_s=DEADLINE_S)
    return replace(known, underlay=underlay_check.read(plan.host(host.name), known.facts, ends, answers))
