"""Asks the hosts, all at once: the only part of verify that talks to them.

Four round trips: facts (again while the fabric settles), start of the probe containers, measuring, the end.
What is started is ended whatever happens in between; what a killed run leaves, the next one removes.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Any

from dockmesh.agent.probe_container import REPOSITORY
from dockmesh.agent.texts import probe_text, text_of
from dockmesh.errors import DockmeshError
from dockmesh.facts import iptables
from dockmesh.facts.gather import Inquiry
from dockmesh.model.mesh import Forwarding
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.render.host import flows_of
from dockmesh.transport.fanout import each
from dockmesh.transport.progress import Steps
from dockmesh.transport.requests import Request, Transport
from dockmesh.transport.script import read_said, script
from dockmesh.typed import of_its_type
from dockmesh.verify import evidence, flows, tree, tunnel
from dockmesh.verify.evidence import Measured, MeshEvidence, ProbeContainer, ProbedHost
from dockmesh.verify.host import starting_units
from dockmesh.verify.tunnel import TunnelState

FACTS_DEADLINE_S = 30.0
DOCKER_DEADLINE_S = 4.0
# For hosts that hang. Each wait of the probes has a deadline of its own, 20 s together; the rest is for hosts that get
# little of a processor. The first start of a container after Docker's installation took an emulated one more than 20 s.
BEGIN_DEADLINE_S = MEASURE_DEADLINE_S = FINISH_DEADLINE_S = 90.0
SPARE_S = 10.0  # for the way there and back, and to end what hangs
POLL_S = 0.3
# How long units that are starting, and a fabric that is coming up, are waited for. The time begins again with each unit
# that has started and each tunnel that is up. BFD takes a second or two, RSTP some more, and 802.1D 30 s: twice its
# forward delay.
UNITS_START_S = 30.0
TUNNELS_SETTLE_S = 6.0
# Of WireGuard: who calls a peer that is not there yet calls again after 5 s (Rekey-Timeout), so up to two more calls.
HANDSHAKE_S = 12.0
TREE_SETTLES_S = {Forwarding.RSTP: 10.0, Forwarding.STP: 35.0, Forwarding.DIRECT: 0.0}
# Probes answer no longer than this, even if nobody ends them. The first are there until the last host is through.
LIFETIME_S = int(BEGIN_DEADLINE_S + MEASURE_DEADLINE_S + FINISH_DEADLINE_S + 3 * SPARE_S)

BROADCAST_PORT = 47472  # in containers, each of which has its ports to itself
# Enough full segments to fill windows, and few enough for a large mesh, where all hosts send to all at once.
BULK_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class VerifySession:
    """What one run of verify has in common on all hosts."""

    plan: Plan
    progress: Steps
    token: str  # of this run; names of containers have it
    secret: str  # of the probes alone, by which they know each other's broadcasts
    probe: str  # the source of agent.probe
    container: str  # the source of agent.probe_container


async def collect(
    plan: Plan, hosts: Mapping[str, Transport], unreachable: Mapping[str, DockmeshError], progress: Steps
) -> MeshEvidence:
    """Everything that can be heard. A host that stops answering on the way is unreachable from there on."""
    texts = probe_text(), text_of("probe_container")
    session = VerifySession(plan, progress, secrets.token_hex(8), secrets.token_hex(16), *texts)
    gone = dict(unreachable)
    known = await _settle(session, hosts, gone)
    facts = {name: host.facts for name, host in known.items()}
    danger = tree.loop_danger(plan, facts) or flows.loop_danger(plan, facts)
    if danger:
        return MeshEvidence(known, gone, danger)
    live = {name: hosts[name] for name in known}
    try:
        known |= await each(live, gone, lambda name: _begin(session, live[name], known[name]))
        present = {name: host for name, host in known.items() if name not in gone}
        measured = await each(present, gone, lambda name: _measure(session, live[name], present, name))
        known |= measured
    finally:
        # Also when interrupted: a second interrupt ends this too, and then the probes end by themselves.
        heard = await each(live, gone, lambda name: _finish(session, live[name], known))
    known |= heard
    return MeshEvidence({name: host for name, host in known.items() if name not in gone}, gone)


async def _settle(
    session: VerifySession, hosts: Mapping[str, Transport], gone: dict[str, DockmeshError]
) -> dict[str, ProbedHost]:
    """Facts of all hosts, read again while units start and the fabric comes up."""
    plan, clock = session.plan, asyncio.get_running_loop().time
    progress_at, at = clock(), ""
    doing, before = "read the host", frozenset[tuple[str, str]]()
    while True:
        if doing != at:
            for name in hosts:
                session.progress.step(name, doing)
        at = doing
        known = await each(hosts, gone, lambda name: _look(plan, hosts[name]))
        facts = {name: host.facts for name, host in known.items()}
        starting, ends = starting_units(facts), tunnel.read_ends(plan, facts)
        left = starting | {place for place, end in ends.items() if end.state is not TunnelState.UP}
        if left < before:
            progress_at = clock()
        before = left
        passed = clock() - progress_at
        settle_s = TUNNELS_SETTLE_S + (HANDSHAKE_S if plan.fabric.encryption else 0)
        waits = {
            "what is starting": bool(starting) and passed < UNITS_START_S,
            "the tunnels": passed < settle_s and tunnel.coming_up(plan, facts),
            "the spanning tree": passed < TREE_SETTLES_S[plan.fabric.forwarding] and tree.coming_up(plan, facts),
        }
        if tree.loop_danger(plan, facts) or not any(waits.values()):
            return known
        doing = f"wait for {next(what for what, wait in waits.items() if wait)}"
        await asyncio.sleep(POLL_S)


async def _look(plan: Plan, host: Transport) -> ProbedHost:
    inquiry = Inquiry((), flows_of(plan, plan.host(host.name)), docker_s=DOCKER_DEADLINE_S)
    answers = await host.ask(*inquiry.requests, *iptables.QUESTIONS, together=True, within_s=FACTS_DEADLINE_S)
    of_facts = len(inquiry.requests)
    facts = inquiry.read(host.name, answers[:of_facts])
    return of_its_type(ProbedHost(facts, iptables.read_bridged(*answers[of_facts:])))


async def _begin(session: VerifySession, host: Transport, known: ProbedHost) -> ProbedHost:
    session.progress.step(host.name, "start the probes")
    order = {
        "token": session.token,
        "probe": session.probe,
        "docker": known.facts.docker is not None,
        "address": str(session.plan.host(host.name).address.ip),
        "serve": {
            "token": session.token,
            "secret": session.secret,
            "broadcast_port": BROADCAST_PORT,
            "lifetime_s": LIFETIME_S,
        },
    }
    request = script(session.container, order, BEGIN_DEADLINE_S, role="begin")
    said = read_said((await host.ask(request, within_s=BEGIN_DEADLINE_S + SPARE_S))[0])
    if "error" in said:
        return replace(known, container_error=said["error"])
    listener, container = said["listener"], said.get("container")
    known = replace(known, listener_port=evidence.checked_port(listener.get("port")))
    if container is None:
        return replace(known, container_error="Docker is not running")
    if "error" in container:
        return replace(known, container_error=container["error"])
    found = of_its_type(ProbeContainer(**container))
    evidence.checked_port(found.port)
    # The probes of all other hosts connect to it, as root: only to what can be a container of this host.
    pool = session.plan.host(host.name).pool
    if IPv4Address(found.address) not in pool:
        error = f"Docker gave it {found.address}, which is outside this host's pool {pool}"
        return replace(known, container_error=error)
    return replace(known, container=found)


async def _measure(
    session: VerifySession, host: Transport, all_known: Mapping[str, ProbedHost], name: str
) -> ProbedHost:
    session.progress.step(name, "measure")
    known = all_known[name]
    from_host = _order_for_host(session, all_known, session.plan.host(name))
    requests: list[Request] = [script(session.probe, from_host, MEASURE_DEADLINE_S, role="measure")]
    if known.container:
        order = {
            "probe": session.probe,
            "container": known.container.id,
            "measure": _order_for_container(session, all_known, name),
        }
        requests.append(script(session.container, order, MEASURE_DEADLINE_S, role="measure"))
    answers = await host.ask(*requests, together=True, within_s=MEASURE_DEADLINE_S + SPARE_S)
    said = read_said(answers[0])
    known = replace(known, from_host=_read({"measured": said} if "error" not in said else said))
    if known.container:
        known = replace(known, from_container=_read(read_said(answers[1])))
    return of_its_type(known)


def _read(said: Mapping[str, Any]) -> Measured:
    return evidence.read_measured(said["measured"]) if "measured" in said else Measured(error=said["error"])


def _order(session: VerifySession, targets: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    order = {
        "token": session.token,
        "targets": targets,
        "owners_of": [],
        "device": "",
        "source": "",
        "secret": "",
        "broadcast_port": 0,
        "bulk_bytes": BULK_BYTES,
    }
    return order | more


def _order_for_host(session: VerifySession, known: Mapping[str, ProbedHost], host: HostPlan) -> dict[str, Any]:
    plan = session.plan
    peers = [
        {
            "name": peer.name,
            "address": str(peer.address.ip),
            "port": known[peer.name].listener_port,
            "size": plan.mtu,
        }
        for peer in plan.hosts
        if peer.name in known and peer.name != host.name
    ]
    underlay = [
        {
            "name": f"{evidence.UNDERLAY}{end.peer}",
            "address": str(end.underlay),
            "port": 0,
            "size": plan.mtu_sum.underlay,
        }
        for end in host.tunnels
        if end.underlay
    ]
    networks = [
        {
            "name": f"{start}{allocation.name} {peer.name}",
            "address": str(address.ip),
            "port": 0,
            "size": allocation.mtu,
        }
        for allocation in host.further
        for peer, theirs in plan.allocations(allocation.name)
        if peer.name in known and peer.name != host.name
        for start, address in ((evidence.NETWORK, theirs.address), (evidence.NETWORK6, theirs.address6))
        if address is not None
    ]
    return _order(session, peers + underlay + networks)


def _order_for_container(session: VerifySession, known: Mapping[str, ProbedHost], name: str) -> dict[str, Any]:
    others = {peer: host for peer, host in known.items() if peer != name}
    targets = [
        {
            "name": peer,
            "address": host.container.address,
            "port": host.container.port,
            "size": session.plan.mtu,
        }
        for peer, host in others.items()
        if host.container
    ]
    addresses = [str(session.plan.host(peer).address.ip) for peer in others] + [
        str(target["address"]) for target in targets
    ]
    domain = session.plan.domain
    names = {str(target["name"]): f"{REPOSITORY}-{session.token}.{target['name']}.{domain}" for target in targets}
    server = str(session.plan.host(name).address.ip)
    return _order(
        session,
        targets,
        names={"server": server, "of": names} if domain is not None else None,
        owners_of=addresses,
        device="eth0",
        source=name,
        secret=session.secret,
        broadcast_port=BROADCAST_PORT,
    )


async def _finish(session: VerifySession, host: Transport, all_known: Mapping[str, ProbedHost]) -> ProbedHost:
    session.progress.step(host.name, "remove the probes")
    known = all_known[host.name]
    sources = [
        name
        for name, other in all_known.items()
        if name != host.name and other.from_container.error is None and other.from_container.broadcast_error is None
    ]
    order = {
        "token": session.token,
        "container": known.container.id if known.container else None,
        "docker": known.facts.docker is not None,
        "sources": sources,
    }
    request = script(session.container, order, FINISH_DEADLINE_S, role="finish")
    said = read_said((await host.ask(request, within_s=FINISH_DEADLINE_S + SPARE_S))[0])
    heard = None
    if known.container and not said.get("error"):
        heard = tuple((source, number) for source, number in said["heard"])
    return of_its_type(replace(known, heard=heard))
