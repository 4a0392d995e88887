"""Asks the hosts, all at once: the only part of preflight that talks to them. It writes nothing.

Two round trips: facts, then packets between the hosts; a third where some did not arrive, as any packet may be lost.
"""

import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from dockmesh.agent.texts import text_of
from dockmesh.diff.host import FACT_PATHS
from dockmesh.errors import DockmeshError, HostError
from dockmesh.facts.gather import Inquiry
from dockmesh.inspect.host import config_of, inspect
from dockmesh.inspect.lock_out import refuse_lock_out
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.preflight import questions
from dockmesh.preflight.types import Evidence, HostEvidence, PeerReach, Reach
from dockmesh.preflight.underlay import FULL, SMALL
from dockmesh.transport.fanout import each
from dockmesh.transport.progress import Steps
from dockmesh.transport.requests import Transport
from dockmesh.transport.script import read_said, script
from dockmesh.typed import of_its_type

FACTS_DEADLINE_S = 20.0
DOCKER_DEADLINE_S = 4.0
WINDOW_S = 2.5  # how long packets are sent and listened for, if some do not come
REACH_DEADLINE_S = 20.0
TRIES = 2

Wanted = Mapping[str, Collection[str]]  # for each host the peers that it exchanges packets with


async def collect(
    plan: Plan,
    hosts: Mapping[str, Transport],
    unreachable: Mapping[str, DockmeshError],
    wanted: Wanted,
    progress: Steps,
) -> Evidence:
    """Ask those of `hosts` that `wanted` names. One that stops answering on the way is unreachable from there on."""
    gone = dict(unreachable)
    asked = {name: hosts[name] for name in wanted if name in hosts}
    known = await each(asked, gone, lambda name: _look(plan, asked[name], progress))
    reach: dict[str, Reach] = {}
    missing = _present(wanted, known)
    for _ in range(TRIES):
        if not missing:
            break
        heard = await _exchange(plan, asked, missing, gone, progress)
        reach = {name: _merge(reach.get(name), heard.get(name)) for name in {**reach, **heard}}
        missing = _present(_not_arrived(plan, missing, reach), [name for name in known if name not in gone])
    return Evidence({name: host for name, host in known.items() if name not in gone}, gone, reach)


async def _look(plan: Plan, host: Transport, progress: Steps) -> HostEvidence:
    progress.step(host.name, "read the host")
    inquiry = Inquiry(FACT_PATHS, docker_s=DOCKER_DEADLINE_S)
    began = time.time()
    asked = (*inquiry.requests, *questions.QUESTIONS.values())
    answers = await host.ask(*asked, together=True, within_s=FACTS_DEADLINE_S)
    ended = time.time()
    of_facts = len(inquiry.requests)
    facts = inquiry.read(host.name, answers[:of_facts])
    around = of_its_type(questions.read(answers[of_facts:]))
    config = config_of(plan, facts)
    try:
        refuse_lock_out(plan, host.name, host.reached_from)
        inspect(plan, config, facts)
        refusal = None
    except HostError as error:
        refusal = error
    return HostEvidence(facts, around, config, refusal, (began, ended))


def _present(wanted: Wanted, present: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Only pairs whose both ends are there."""
    there = {name: tuple(peer for peer in peers if peer in present) for name, peers in wanted.items()}
    return {name: peers for name, peers in there.items() if peers and name in present}


async def _exchange(
    plan: Plan, hosts: Mapping[str, Transport], wanted: Wanted, gone: dict[str, DockmeshError], progress: Steps
) -> dict[str, Reach]:
    """All of them at one time, for each hears only as long as it runs."""
    token = secrets.token_hex(8)
    wire = plan.wire
    source, echo = text_of("reach"), text_of("echo")
    known = {host.name: host for host in plan.hosts}

    async def one(name: str) -> Reach:
        progress.step(name, f"send {wire.name} to the others")
        order = {
            "token": token,
            "name": name,
            "source": str(known[name].underlay),
            "kind": str(plan.fabric.tunnel),
            "port": wire.port,
            "way": _way(plan),
            "window_s": WINDOW_S,
            "echo": echo,
            "peers": [_peer(plan, known[name], known[peer]) for peer in wanted[name]],
        }
        request = script(source, order, REACH_DEADLINE_S)
        (answer,) = await hosts[name].ask(request, within_s=REACH_DEADLINE_S + 5)
        return of_its_type(read_reach(read_said(answer)))

    return await each(wanted, gone, one)


def _peer(plan: Plan, host: HostPlan, peer: HostPlan) -> dict[str, Any]:
    """Nobody knows beforehand where a dynamic host is; what it sends first says it."""
    return {
        "name": peer.name,
        "address": None if peer.found_at is None else str(peer.found_at),
        "port": (peer.endpoint.port if peer.endpoint else None) or plan.wire.port,
        "size": plan.mtu_sum.underlay,
        "finds_us": not host.is_dynamic,
    }


def _way(plan: Plan) -> str:
    return "raw" if plan.fabric.in_kernel else "wire"


def read_reach(said: Mapping[str, Any]) -> Reach:
    """What agent.reach says."""
    heard = {
        str(peer["name"]): PeerReach(
            raw=frozenset(peer["raw"]),
            wire=frozenset(peer["wire"]),
            errors=dict(peer["errors"]),
            ping_ms=peer["ping_ms"],
            largest=peer["largest"],
        )
        for peer in said.get("peers", ())
    }
    return Reach(heard, said["error"])


def _merge(before: Reach | None, now: Reach | None) -> Reach:
    """What arrived once arrives; of what it sent, the last try counts."""
    if before is None or now is None:
        return now or before or Reach()
    merged = dict(before.peers)
    for name, heard in now.peers.items():
        old = merged.get(name, PeerReach())
        merged[name] = replace(heard, raw=heard.raw | old.raw, wire=heard.wire | old.wire)
    return Reach(merged, now.error)


def _not_arrived(plan: Plan, wanted: Wanted, reach: Mapping[str, Reach]) -> dict[str, tuple[str, ...]]:
    """The pairs of which one direction is still in doubt."""

    def arrived(target: str, source: str) -> bool:
        if plan.host(target).is_dynamic:
            return True
        heard = reach.get(target, Reach()).peers.get(source, PeerReach())
        return {SMALL, FULL} <= (heard.wire if _way(plan) == "wire" else heard.raw)

    return {
        name: tuple(peer for peer in peers if not (arrived(name, peer) and arrived(peer, name)))
        for name, peers in wanted.items()
    }
