"""Evidence → probes: each with a verdict and what was measured, before anybody asks why."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import permutations

from dockmesh.diff import attached_interfaces
from dockmesh.model.network import DOCKER_BRIDGE
from dockmesh.plan.types import HostNetwork, HostPlan, Plan
from dockmesh.verify import address_conflicts, encryption, flows, host, pools, tree, tunnel
from dockmesh.verify.evidence import Echo, Measured, MeshEvidence, Owners, ProbedHost, TargetEvidence
from dockmesh.verify.tunnel import TunnelState
from dockmesh.verify.types import (
    CONTAINER_PAIRS,
    HOST_PAIRS,
    NETWORK6_PAIRS,
    NETWORK_PAIRS,
    ONE_HOST,
    Probe,
    ProbeKind,
    Verdict,
)

Judged = tuple[Verdict, str]

TARGET_KINDS = {
    ProbeKind.HOST_PING: "ping",
    ProbeKind.HOST_SIZE: "size",
    ProbeKind.HOST_TRANSFER: "transfer",
    ProbeKind.CONTAINER_PING: "ping",
    ProbeKind.CONTAINER_SIZE: "size",
    ProbeKind.CONTAINER_TRANSFER: "transfer",
}


def judge(plan: Plan, evidence: MeshEvidence) -> tuple[Probe, ...]:
    """Every probe of the plan, measured or not, in the order of `Kind` and of the plan's hosts."""
    return (
        *_one_host(plan, evidence),
        *_networks(plan, evidence),
        *_tunnels(plan, evidence),
        *_pairs(plan, evidence),
        *_in_networks(plan, evidence),
    )


def _one_host(plan: Plan, evidence: MeshEvidence) -> Iterator[Probe]:
    facts = {name: known.facts for name, known in evidence.hosts.items()}
    trees, cut_off = tree.problems(plan, facts), tree.cut_off(plan, facts)
    without = {
        ProbeKind.NETWORK,
        *(() if plan.has_tree else (ProbeKind.TREE,)),
        *(() if plan.fabric.encryption else (ProbeKind.ENCRYPTION,)),
    }
    for kind in [each for each in ONE_HOST if each not in without]:
        for planned in plan.hosts:
            known = evidence.hosts.get(planned.name)
            judged: Judged = (Verdict.UNKNOWN, "")
            if known and kind is ProbeKind.TREE:
                alone = (cut_off[planned.name],) if planned.name in cut_off else ()
                judged = _tree(plan, known, trees.get(planned.name, alone))
            elif known and kind is ProbeKind.FLOWS:
                judged = _flows(known)
            elif known and kind is ProbeKind.ENCRYPTION:
                judged = _encryption(planned, known)
            elif known:
                judged = _settings(plan, known, kind)
            yield Probe(kind, planned.name, planned.name, *judged)


def _tree(plan: Plan, known: ProbedHost, wrong: Sequence[str]) -> Judged:
    return (Verdict.FAIL, "; ".join(wrong)) if wrong else (Verdict.PASS, tree.summary(plan, known.facts))


def _flows(known: ProbedHost) -> Judged:
    wrong = flows.problem(known.facts)
    if wrong == flows.NOT_SEEN:
        return Verdict.UNKNOWN, wrong
    return (Verdict.FAIL, wrong) if wrong else (Verdict.PASS, "as planned")


def _encryption(planned: HostPlan, known: ProbedHost) -> Judged:
    found = encryption.read(known.facts)
    keyless = f"no preshared key with {', '.join(found.without_key)}" if found.without_key else ""
    if wrong := "; ".join(filter(None, (found.problem, keyless))):
        return Verdict.FAIL, wrong
    return Verdict.PASS, f"with {', '.join(end.peer for end in planned.tunnels) or 'nobody'}"


def _settings(plan: Plan, known: ProbedHost, kind: ProbeKind) -> Judged:
    planned, docker = plan.host(known.facts.name), known.facts.docker
    wrong = [cause.seen for cause in host.problems(plan, planned, known) if kind in cause.explains]
    if wrong:
        return Verdict.FAIL, "; ".join(wrong)
    if kind is ProbeKind.DOCKER and docker:
        return Verdict.PASS, f"Docker {docker.version}, pool {docker.pool}"
    return Verdict.PASS, _as_planned(planned.docker0)


def _as_planned(allocation: HostNetwork) -> str:
    return f"{allocation.bridge} {allocation.address}, MTU {allocation.mtu}, {allocation.switch} in it"


def _networks(plan: Plan, evidence: MeshEvidence) -> Iterator[Probe]:
    """Each further network on each of its hosts."""
    for network in plan.further:
        for planned, allocation in plan.allocations(network.name):
            known = evidence.hosts.get(planned.name)
            judged: Judged = (Verdict.UNKNOWN, "")
            if known:
                cut_off = attached_interfaces.problem(allocation, known.facts)
                wrong = (*host.wrong_with(allocation, known), *(cut_off[:1] if cut_off else ()))
                judged = (Verdict.FAIL, "; ".join(wrong)) if wrong else (Verdict.PASS, _as_planned(allocation))
            yield Probe(ProbeKind.NETWORK, planned.name, planned.name, *judged, network=network.name)


def _in_networks(plan: Plan, evidence: MeshEvidence) -> Iterator[Probe]:
    for network in plan.further:
        names = [planned.name for planned, _ in plan.allocations(network.name)]
        for kind in NETWORK_PAIRS:
            if kind in NETWORK6_PAIRS and network.prefix6 is None:
                continue
            for source, target in permutations(names, 2):
                ends = evidence.hosts.get(source), evidence.hosts.get(target)
                judged: Judged = (Verdict.UNKNOWN, "")
                if ends[0] and ends[1]:
                    measured = ends[0].from_host
                    by_ip = measured.networks6 if kind in NETWORK6_PAIRS else measured.networks
                    found = by_ip.get((network.name, target))
                    judge_it = ping if kind in (ProbeKind.NETWORK_PING, ProbeKind.NETWORK_PING6) else size
                    mtu = plan.mtu_of(network)
                    judged = judge_it(mtu, found) if found else (Verdict.UNKNOWN, ends[0].from_host.error or "")
                yield Probe(kind, source, target, *judged, network=network.name)


def _tunnels(plan: Plan, evidence: MeshEvidence) -> Iterator[Probe]:
    ends = tunnel.read_ends(plan, {name: known.facts for name, known in evidence.hosts.items()})
    for planned in plan.hosts:
        for wanted in planned.tunnels:
            end = ends.get((planned.name, wanted.peer))
            if end is None:
                verdict, measured = Verdict.UNKNOWN, ""
            else:
                verdict = Verdict.PASS if end.state is TunnelState.UP else Verdict.FAIL
                measured = f"{end.port} to {wanted.remote}: {end.wrong or end.state}"
            yield Probe(ProbeKind.TUNNEL, planned.name, wanted.peer, verdict, measured)


def _pairs(plan: Plan, evidence: MeshEvidence) -> Iterator[Probe]:
    names = [planned.name for planned in plan.hosts]
    taken = {
        name: f"{conflict.address} belongs to {' and to '.join(conflict.owners)}"
        for conflict in address_conflicts.conflicts(plan, evidence)
        for name in ((conflict.right,) if conflict.right else conflict.hosts)
    }
    facts = {name: known.facts for name, known in evidence.hosts.items()}
    taken = {name: each.text for each in pools.alike(plan, facts) for name in each.hosts} | taken
    kinds = [kind for kind in (*HOST_PAIRS, *CONTAINER_PAIRS) if kind is not ProbeKind.NAME or plan.domain is not None]
    for kind in kinds:
        for source, target in permutations(names, 2):
            ends = evidence.hosts.get(source), evidence.hosts.get(target)
            judged: Judged = (Verdict.UNKNOWN, "")
            if ends[0] and ends[1]:
                judged = _pair(plan, ends[0], ends[1], kind)
            if kind is ProbeKind.ADDRESS and target in taken:
                judged = Verdict.FAIL, taken[target]
            yield Probe(kind, source, target, *judged)


def _pair(plan: Plan, source: ProbedHost, target: ProbedHost, kind: ProbeKind) -> Judged:
    if kind is ProbeKind.BROADCAST:
        return broadcast(source, target)
    if kind is ProbeKind.ADDRESS:
        return addresses(plan, source.from_container, target)
    if kind is ProbeKind.NAME:
        return named(source.from_container, target)
    measured = source.from_host if kind in HOST_PAIRS else source.from_container
    found = measured.targets.get(target.facts.name)
    return JUDGES[TARGET_KINDS[kind]](plan.mtu, found) if found else (Verdict.UNKNOWN, measured.error or "")


def ping(_: int, target: TargetEvidence) -> Judged:
    if target.ping.ms is None:
        return Verdict.FAIL, _silence(target.ping)
    return Verdict.PASS, f"{target.ping.ms:.2f} ms"


def size(mtu: int, target: TargetEvidence) -> Judged:
    """A pass needs both: the largest packet arrives, and the source itself refuses a larger one."""
    if target.full is None:
        return Verdict.UNKNOWN, "no answer to a small packet"
    if target.full.error == "EMSGSIZE":
        return Verdict.FAIL, f"{mtu} bytes are refused at the source"
    if target.full.ms is None:
        return Verdict.FAIL, f"{mtu} bytes: {_silence(target.full)}"
    if not target.refused:
        return Verdict.FAIL, f"{mtu + 1} bytes are not refused at the source"
    return Verdict.PASS, f"{mtu} bytes pass, {mtu + 1} are refused"


def transfer(_: int, target: TargetEvidence) -> Judged:
    if target.transfer is None:
        return Verdict.UNKNOWN, "no answer to a ping" if target.ping.ms is None else "nobody listens at the target"
    if target.transfer.mbit is None:
        return Verdict.FAIL, target.transfer.error or ""
    return Verdict.PASS, "all of it arrived"


JUDGES: Mapping[str, Callable[[int, TargetEvidence], Judged]] = {"ping": ping, "size": size, "transfer": transfer}


def _silence(echo: Echo) -> str:
    if echo.error and not echo.sent:
        return echo.error
    words = {"EHOSTUNREACH": "nobody has the address", "ENETUNREACH": "no route to it"}
    return f"no answer to {echo.sent} pings" + (f" ({words.get(echo.error, echo.error)})" if echo.error else "")


def broadcast(source: ProbedHost, target: ProbedHost) -> Judged:
    """Twice is a loop. Two are sent, as a datagram may be lost: one of them is enough."""
    problem = source.from_container.error or source.from_container.broadcast_error
    if problem or target.heard is None:
        return Verdict.UNKNOWN, problem or ""
    times = Counter(number for name, number in target.heard if name == source.facts.name)
    if not times:
        return Verdict.FAIL, "it does not arrive"
    most = max(times.values())
    return (Verdict.PASS, "once") if most == 1 else (Verdict.FAIL, f"it arrives {most} times or more")


def named(measured: Measured, target: ProbedHost) -> Judged:
    found = measured.names.get(target.facts.name)
    if found is None or target.container is None:
        return Verdict.UNKNOWN, measured.error or ""
    if found.addresses == (target.container.address,):
        return Verdict.PASS, target.container.address
    said = ", ".join(found.addresses) or found.error or "nothing"
    return Verdict.FAIL, f"asked for its container the resolver says: {said}"


def addresses(plan: Plan, measured: Measured, target: ProbedHost) -> Judged:
    """One owner for the target's bridge address and for its container's, and no other than the right one."""
    if measured.error or measured.arp_error:
        return Verdict.UNKNOWN, measured.error or measured.arp_error or ""
    docker_bridge = target.facts.link(DOCKER_BRIDGE)
    wanted = {str(plan.host(target.facts.name).address.ip): docker_bridge.mac if docker_bridge else None}
    if target.container:
        wanted[target.container.address] = target.container.mac
    silent, wrong = [], []
    for address, mac in wanted.items():
        owners = measured.owners.get(address)
        if owners is None or not owners.macs:
            silent.append(address)
        elif not is_sole_owner(owners, mac):
            wrong.append(
                f"{address} is answered for by {' and '.join(dict.fromkeys(owners.macs))}, {len(owners.macs)} times"
            )
    if wrong:
        return Verdict.FAIL, "; ".join(wrong)
    if silent:
        return Verdict.UNKNOWN, f"nobody answers for {' and '.join(silent)}"
    return Verdict.PASS, "one owner each"


def is_sole_owner(owners: Owners, mac: str | None) -> bool:
    return len(owners.macs) <= owners.asked and len(set(owners.macs)) == 1 and mac in (None, owners.macs[0])
