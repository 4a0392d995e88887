"""Look before touching: what each host, and the network between them, has for a mesh and against it."""

import time
from collections.abc import Collection, Mapping

from dockmesh.errors import DockmeshError, HostError
from dockmesh.plan.types import Plan
from dockmesh.preflight import (
    docker,
    docker_api,
    encryption,
    firewalls,
    ipv6,
    managers,
    names,
    network,
    system,
    underlay,
)
from dockmesh.preflight.collect import collect
from dockmesh.preflight.types import Check, Evidence, Finding, Level, Report
from dockmesh.transport.progress import Steps
from dockmesh.transport.requests import Transport

SKIP = "or add --no-preflight if you know better"


async def preflight(
    plan: Plan,
    hosts: Mapping[str, Transport],
    unreachable: Mapping[str, DockmeshError],
    chosen: Collection[str],
    progress: Steps,
) -> Report:
    """Ask and judge the chosen hosts and the pairs of them that the plan links; changes nothing."""
    began = time.monotonic()
    wanted = {name: tuple(peer for peer in _peers(plan, name) if peer in chosen) for name in chosen}
    evidence = await collect(plan, hosts, unreachable, wanted, progress)
    names = tuple(host.name for host in plan.hosts if host.name in chosen)
    return Report(names, judge(plan, evidence), time.monotonic() - began)


async def blockers(
    plan: Plan, hosts: Mapping[str, Transport], new: Collection[str], progress: Steps
) -> Mapping[str, tuple[HostError, ...]]:
    """Why hosts that have no fabric yet should not get one now; asks them and the hosts that they are to be linked to.

    A link that the tunnels' packets do not pass keeps its host out only if no other link of the host works: frames go
    round it.
    """
    wanted = partners(plan, hosts, new)
    if not wanted:
        return {}
    evidence = await collect(plan, hosts, {}, wanted, progress)
    found = judge(plan, evidence)
    errors = {name: tuple(_error(name, each) for each in _against(plan, name, found)) for name in new}
    return {name: why for name, why in errors.items() if why}


def partners(plan: Plan, hosts: Collection[str], new: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """Who exchanges packets with whom: the new ones with all their peers, the others with the new ones."""
    pairs = [(name, peer) for name in new for peer in _peers(plan, name) if {name, peer} <= set(hosts)]
    both = [*pairs, *((peer, name) for name, peer in pairs if peer not in new)]
    return {
        host.name: peers
        for host in plan.hosts
        if host.name in hosts
        and ((peers := tuple(peer for name, peer in both if name == host.name)) or host.name in new)
    }


def judge(plan: Plan, evidence: Evidence) -> tuple[Finding, ...]:
    """Pure: every finding, in the order of the checks and then of the hosts."""
    found = [system.unreachable(name, error) for name, error in evidence.unreachable.items()]
    for known in evidence.hosts.values():
        found += system.judge(known)
        found += network.judge(plan, known)
        found += encryption.judge(plan, known)
        found += ipv6.judge(plan, known)
        found += docker.judge(plan, known)
        found += docker_api.judge(plan, known)
        found += names.judge(plan, known)
        found += firewalls.judge(known)
        found += managers.judge(plan, known)
    found += underlay.judge(plan, evidence)
    checks, places = list(Check), {host.name: place for place, host in enumerate(plan.hosts)}
    return tuple(sorted(found, key=lambda each: (checks.index(each.check), places[each.hosts[0]])))


def _peers(plan: Plan, name: str) -> tuple[str, ...]:
    return tuple(end.peer for end in plan.host(name).tunnels)


def _against(plan: Plan, name: str, found: Collection[Finding]) -> list[Finding]:
    """The blockers of one host."""
    blocking = [each for each in found if each.level is Level.BLOCKER and name in _all_hosts(each)]
    lost = {frozenset(pair) for each in blocking if each.check is Check.TUNNEL for pair in each.pairs}
    cut_off = all(frozenset((name, peer)) in lost for peer in _peers(plan, name))
    return [
        each
        for each in blocking
        if each.check is not Check.SSH and (cut_off if each.check is Check.TUNNEL else name in each.hosts)
    ]


def _all_hosts(finding: Finding) -> set[str]:
    return {*finding.hosts, *(name for pair in finding.pairs for name in pair)}


def _error(name: str, finding: Finding) -> HostError:
    where = "" if name in finding.hosts else f" (at {', '.join(finding.hosts)})"
    return HostError(
        f"{finding.what}{where}",
        host=name,
        now="nothing was changed on this host",
        do=f"{finding.do}; {SKIP}" if finding.do else SKIP,
    )
