"""Asks every host at once: one round trip, and a second one to hosts that have a tunnel down."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from itertools import chain, islice
from typing import Any, TypeVar

from dockmesh.diff.host import FACT_PATHS
from dockmesh.errors import ConnectError, DockmeshError
from dockmesh.facts import gather
from dockmesh.facts.types import HostFacts
from dockmesh.plan.types import Plan, TunnelEnd
from dockmesh.remote.seam import Ask, Request, Transport
from dockmesh.remote.together import each
from dockmesh.render.host import flows_of
from dockmesh.status import below, dropped, said
from dockmesh.status.types import Heard
from dockmesh.verify import tunnel
from dockmesh.verify.tunnel import State

# A host that takes longer is told as silent: whoever looks wants an answer about the others.
DEADLINE_S, DOCKER_DEADLINE_S = 5.0, 3.0
FILES = tuple(sorted(FACT_PATHS))

T = TypeVar("T")


async def collect(
    plan: Plan, hosts: Mapping[str, Transport], unreachable: Mapping[str, DockmeshError]
) -> tuple[dict[str, Heard], dict[str, DockmeshError]]:
    """What was heard of each host, and why of the others nothing was."""
    gone = dict(unreachable)
    heard = await _each({name: _ask(plan, host) for name, host in hosts.items()}, gone)
    down = _down(plan, {name: found.facts for name, found in heard.items()})
    if down:
        more = await _each(
            {name: _look_below(plan, hosts[name], heard[name], ends) for name, ends in down.items()}, gone
        )
        heard |= more
    return {name: found for name, found in heard.items() if name not in gone}, gone


async def _each(work: Mapping[str, Coroutine[Any, Any, T]], gone: dict[str, DockmeshError]) -> dict[str, T]:
    """One host's failure is its own: it goes into `gone`."""
    return await each(work, gone, lambda name: _within(name, work[name]))


async def _within(name: str, answers: Coroutine[Any, Any, T]) -> T:
    try:
        return await asyncio.wait_for(answers, DEADLINE_S)
    except TimeoutError:
        raise ConnectError(
            f"it did not answer for {DEADLINE_S:g} s", host=name, do="see that it is up, and what keeps it so busy"
        ) from None


def questions(bundle: str | None = None) -> tuple[Request, ...]:
    """The facts, with less patience for Docker."""
    return tuple(
        replace(each, timeout_s=DOCKER_DEADLINE_S) if isinstance(each, Ask) else each
        for each in gather.questions(FILES, bundle)
    )


async def _ask(plan: Plan, host: Transport) -> Heard:
    bundle = flows_of(plan, plan.host(host.name))
    parts = (
        questions(bundle),
        said.QUESTIONS,
        gather.PACKAGE_QUESTIONS if plan.debs else (),
        dropped.QUESTIONS if bundle else (),
    )
    answers = iter(await host.ask(*chain(*parts), together=True))
    facts, runs, packages, drops = (tuple(islice(answers, len(part))) for part in parts)
    known = gather.read(host.name, FILES, facts, bundle)
    return Heard(
        replace(known, packages=gather.read_packages(*packages)) if packages else known,
        said.read_said(runs),
        {},
        dropped.read(drops),
    )


def _down(plan: Plan, facts: Mapping[str, HostFacts]) -> dict[str, list[TunnelEnd]]:
    """By host its tunnels that are down though the peer answers."""
    ends = tunnel.read_ends(plan, facts)
    found: dict[str, list[TunnelEnd]] = {}
    for host in plan.hosts:
        for end in host.tunnels:
            if end.peer in facts and (host.name, end.peer) in ends and ends[host.name, end.peer].state is State.DOWN:
                found.setdefault(host.name, []).append(end)
    return found


async def _look_below(plan: Plan, host: Transport, known: Heard, ends: list[TunnelEnd]) -> Heard:
    answers = await host.ask(*below.questions(ends), together=True)
    return replace(known, below=below.read(plan.host(host.name), known.facts, ends, answers))
