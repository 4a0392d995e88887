"""Probes and evidence → causes, and with each probe that did not pass the reason and what to do."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from dockmesh.defects import INSTEAD_OF_A_TREE, floods_nothing, said_of_floods
from dockmesh.facts.iptables import Fate
from dockmesh.facts.types import HostFacts
from dockmesh.model.network import DOCKER_BRIDGE, FABRIC_BRIDGE
from dockmesh.plan.graph import depths, neighbours, path
from dockmesh.plan.types import Plan
from dockmesh.render import names
from dockmesh.verify import address_conflicts, encryption, flows, host, link, pools, tree, tunnel
from dockmesh.verify.evidence import MeshEvidence, ProbedHost
from dockmesh.verify.host import PAIRS
from dockmesh.verify.tunnel import APPLY, TunnelState
from dockmesh.verify.types import CONTAINER_PAIRS, ONE_HOST, Cause, CauseKind, Probe, ProbeKind, Scope, Verdict

WORST_FIRST = {fault: place for place, fault in enumerate(CauseKind)}
EVERY_KIND = frozenset(ProbeKind)
Ways = Callable[[Probe], list[str]]
# What breaks the way of others through a host, and not only the host itself.
IN_PASSING = (CauseKind.UNREACHABLE, CauseKind.FABRIC_MISSING, CauseKind.UNDERLAY_DOWN, CauseKind.TREE, CauseKind.FLOWS)
NOTHING_SEEN = "nothing that explains it was seen on the hosts"
WATCH = f"watch where the packets end: `tcpdump -ni {DOCKER_BRIDGE}` on both hosts while `dockmesh verify` runs"


def diagnose(
    plan: Plan, evidence: MeshEvidence, probes: Sequence[Probe]
) -> tuple[tuple[Probe, ...], tuple[Cause, ...]]:
    """The probes with their reasons, and the causes that explain at least one of them, worst first."""
    causes = sorted(look(plan, evidence, probes), key=lambda cause: WORST_FIRST[cause.fault])
    ways = _ways(plan, evidence)
    reasons = [None if probe.verdict is Verdict.PASS else _reason(probe, causes, ways) for probe in probes]
    used = [cause for cause in causes if any(cause is reason for reason in reasons)]
    return (
        tuple(_with_reason(probe, reason) for probe, reason in zip(probes, reasons, strict=True)),
        (*used, *_unexplained(probe for probe, reason in zip(probes, reasons, strict=True) if reason is None)),
    )


def _reason(probe: Probe, causes: Sequence[Cause], ways: Ways) -> Cause | None:
    """The worst cause at an end of the probe, or else on the way between its ends; and last, that there is no way."""
    able = [cause for cause in causes if probe.kind in cause.explains]
    return next(_fitting(probe, able, ways), None)


def _fitting(probe: Probe, able: Sequence[Cause], ways: Ways) -> Iterator[Cause]:
    pair = {probe.source, probe.target}
    yield from (cause for cause in able if cause.fault is not CauseKind.CUT_OFF and _is_at(cause, pair))
    way = ways(probe)
    steps = [{one, next_one} for one, next_one in pairwise(way)]
    yield from (cause for cause in able if cause.scope is Scope.LINK and set(cause.hosts) in steps)
    yield from (cause for cause in able if cause.fault in IN_PASSING and set(cause.hosts) & set(way))
    yield from (cause for cause in able if cause.fault is CauseKind.CUT_OFF and _is_at(cause, pair))


def _is_at(cause: Cause, pair: set[str]) -> bool:
    match cause.scope:
        case Scope.MESH:
            return True
        case Scope.LINK:
            return pair <= set(cause.hosts)
        case Scope.HOSTS:
            return bool(set(cause.hosts) & pair)


def _with_reason(probe: Probe, cause: Cause | None) -> Probe:
    if probe.verdict is Verdict.PASS:
        return probe
    if cause is None:
        return replace(probe, reason=NOTHING_SEEN, do=WATCH)
    where = f"{', '.join(cause.hosts)}: " if cause.scope is not Scope.LINK else ""
    return replace(probe, reason=f"{where}{cause.seen}", do=cause.do)


def _unexplained(probes: Iterable[Probe]) -> Iterator[Cause]:
    """One a kind of probe, for what failed with nothing in sight that could be why."""
    by_kind: dict[tuple[ProbeKind, str], list[Probe]] = defaultdict(list)
    for probe in probes:
        if probe.verdict is not Verdict.PASS:
            by_kind[probe.kind, probe.measured].append(probe)
    for (kind, measured), same in by_kind.items():
        pairs = [probe.source if kind in ONE_HOST else f"{probe.source} → {probe.target}" for probe in same]
        more = f" and {len(pairs) - 4} more" if len(pairs) > 4 else ""
        hosts = tuple(dict.fromkeys(name for probe in same for name in (probe.source, probe.target)))
        seen = f"{kind} {', '.join(pairs[:4])}{more}: {measured or 'not measured'}; {NOTHING_SEEN}"
        yield Cause(CauseKind.UNEXPLAINED, hosts, seen, WATCH, frozenset({kind}))


def _ways(plan: Plan, evidence: MeshEvidence) -> Ways:
    """The hosts that frames pass: along the tree that there is, or else along the planned one."""
    facts = {name: known.facts for name, known in evidence.hosts.items()}
    names = [planned.name for planned in plan.hosts]
    actual = tree.forwarding_links(plan, tree.read_views(plan, facts), facts)
    planned = plan.carrying
    graphs = neighbours(names, actual), neighbours(names, planned)

    def way(probe: Probe) -> list[str]:
        # What a host says of the tree came to it from the root.
        target = plan.root if plan.root and probe.kind is ProbeKind.TREE else probe.target
        return next(
            (path(graph, probe.source, target) for graph in graphs if target in depths(graph, probe.source)),
            [probe.source, target],
        )

    return way


def look(plan: Plan, evidence: MeshEvidence, probes: Sequence[Probe]) -> Iterator[Cause]:
    """All that is wrong, whether a probe shows it or not."""
    for name, error in evidence.unreachable.items():
        said = f"{error.report.what}: {error.report.answered}" if error.report.answered else error.report.what
        do = error.report.do or f"see why {name} does not answer"
        yield Cause(CauseKind.UNREACHABLE, (name,), said, do, EVERY_KIND)
    for planned in plan.hosts:
        if known := evidence.hosts.get(planned.name):
            yield from host.problems(plan, planned, known)
            yield from _firewalls(known, probes)
            yield from _not_measured(known, evidence.loop_danger)
            yield from _names(plan, known)
            yield from _encryption(plan, known)
    yield from (*_tree(plan, evidence), *_guard(evidence)) if plan.has_tree else _flows(evidence)
    yield from link.problems(plan, evidence)
    yield from address_conflicts.problems(plan, evidence)
    for each in pools.alike(plan, {name: known.facts for name, known in evidence.hosts.items()}):
        seen = f"{each.text}: frames for one go to the other"
        yield Cause(CauseKind.MAC_TAKEN, each.hosts, seen, pools.OTHER_MAC, PAIRS)


def _tree(plan: Plan, evidence: MeshEvidence) -> Iterator[Cause]:
    facts = {name: known.facts for name, known in evidence.hosts.items()}
    views = tree.read_views(plan, facts)
    off = tuple(name for name, view in views.items() if not view.on)
    protocol = plan.fabric.forwarding.upper()
    if off:
        seen = f"the spanning tree ({protocol}) is off on {FABRIC_BRIDGE}"
        if evidence.loop_danger:
            seen += ": one broadcast could loop for ever, so nothing was sent into the mesh to measure it"
            yield Cause(CauseKind.TREE_OFF, off, seen, APPLY, PAIRS | {ProbeKind.TREE}, Scope.MESH)
        else:
            yield Cause(CauseKind.TREE_OFF, off, seen, APPLY, frozenset({ProbeKind.TREE}))
    circle = tree.find_loop(plan, tree.forwarding_links(plan, views, facts))
    if circle:
        seen = f"frames can loop: {' – '.join((*circle, circle[0]))}"
        do = "run `dockmesh apply`; if it stays, `systemctl restart openvswitch-switch` on one of them"
        yield Cause(CauseKind.LOOP, circle, seen, do, PAIRS | {ProbeKind.TREE}, Scope.MESH)
    for name in views:
        if floods_nothing(facts[name].switch_version):
            seen = said_of_floods(facts[name].switch_version)
            yield Cause(CauseKind.TREE, (name,), seen, INSTEAD_OF_A_TREE, PAIRS)
    # A host whose tunnels are all down is alone, so it is its own root: that is no trouble of the tree's.
    joined = {
        end.host for end in tunnel.read_ends(plan, facts).values() if end.state in (TunnelState.UP, TunnelState.NO_BFD)
    }
    again = "run `dockmesh apply`; if it stays, `systemctl restart openvswitch-switch` on"
    for name, wrong in tree.problems(plan, facts).items():
        if name not in off and name not in circle and name in views and name in joined:
            yield Cause(CauseKind.TREE, (name,), "; ".join(wrong), f"{again} {name}", PAIRS | {ProbeKind.TREE})
    for name, alone in tree.cut_off(plan, facts).items():
        # A tunnel that cannot be made is the cause then, and says what helps.
        if _has_failed_tunnel(facts[name]):
            continue
        yield Cause(CauseKind.CUT_OFF, (name,), alone, f"{again} {name}", PAIRS | {ProbeKind.TREE})


def _has_failed_tunnel(facts: HostFacts) -> bool:
    bridge = facts.bridge(FABRIC_BRIDGE)
    return bridge is not None and any(port.error for port in bridge.interfaces)


def _flows(evidence: MeshEvidence) -> Iterator[Cause]:
    for name, known in evidence.hosts.items():
        wrong = flows.problem(known.facts)
        if name in evidence.loop_danger:
            seen = (
                f"{FABRIC_BRIDGE} forwards frames like a plain switch{f' ({wrong})' if wrong else ''}: one broadcast "
                "could loop for ever, so nothing was sent into the mesh to measure it"
            )
            yield Cause(CauseKind.LOOP, (name,), seen, APPLY, PAIRS | {ProbeKind.FLOWS}, Scope.MESH)
        elif wrong and known.facts.bridge(FABRIC_BRIDGE) is not None:
            yield Cause(CauseKind.FLOWS, (name,), f"{wrong} on {FABRIC_BRIDGE}", APPLY, PAIRS | {ProbeKind.FLOWS})


def _guard(evidence: MeshEvidence) -> Iterator[Cause]:
    """Beside a spanning tree frames go without flows, too; and so do those that somebody forged."""
    for name, known in evidence.hosts.items():
        wrong = flows.problem(known.facts)
        if wrong and known.facts.bridge(FABRIC_BRIDGE) is not None:
            seen = f"{wrong} on {FABRIC_BRIDGE}: containers here could send with addresses of other hosts"
            yield Cause(CauseKind.FLOWS, (name,), seen, APPLY, frozenset({ProbeKind.FLOWS}))


def _firewalls(known: ProbedHost, probes: Sequence[Probe]) -> Iterator[Cause]:
    """Rules are guilty only of what fails."""
    name = known.facts.name
    failed = {probe.kind for probe in probes if probe.verdict is Verdict.FAIL and name in (probe.source, probe.target)}
    if failed & set(CONTAINER_PAIRS) and known.bridged.fate in (Fate.RULE, Fate.POLICY):
        yield Cause(
            CauseKind.BRIDGE_NETFILTER,
            (name,),
            f"frames between members of {DOCKER_BRIDGE} pass iptables (br_netfilter) and are {known.bridged.fate}: "
            f"{known.bridged.rule}",
            'take "icc": false out of /etc/docker/daemon.json and restart Docker'
            if known.bridged.fate is Fate.RULE
            else f"restart Docker, which brings its rule, or run `iptables -I FORWARD -i {DOCKER_BRIDGE} "
            f"-o {DOCKER_BRIDGE} -j ACCEPT` on {name}",
            frozenset(CONTAINER_PAIRS),
        )
    passed = {probe.kind for probe in probes if probe.verdict is Verdict.PASS and probe.target == name}
    to_it = {probe.kind for probe in probes if probe.verdict is Verdict.FAIL and probe.target == name}
    if ProbeKind.HOST_TRANSFER in to_it and {ProbeKind.HOST_PING, ProbeKind.HOST_SIZE} <= passed - to_it:
        yield Cause(
            CauseKind.HOST_FIREWALL,
            (name,),
            f"it answers pings of every size at its address on {DOCKER_BRIDGE}, but takes no TCP connection there",
            f"let its firewall accept what comes in on {DOCKER_BRIDGE}",
            frozenset({ProbeKind.HOST_TRANSFER}),
        )


def _names(plan: Plan, known: ProbedHost) -> Iterator[Cause]:
    state = known.facts.units.get(names.UNIT, {}).get("ActiveState") or "inactive"
    if plan.domain is not None and state != "active":
        do = f"run `dockmesh apply`; if it stays, look at `journalctl -u {names.UNIT}` on {known.facts.name}"
        yield Cause(
            CauseKind.NAMES,
            (known.facts.name,),
            f"its resolver does not run: {names.UNIT} is {state}",
            do,
            frozenset({ProbeKind.NAME}),
        )


def _encryption(plan: Plan, known: ProbedHost) -> Iterator[Cause]:
    if plan.fabric.encryption is None:
        return
    name, found = known.facts.name, encryption.read(known.facts)
    if found.problem:
        # A unit that does not run leaves the device as it is: that frames pass all the same, probes say.
        kept = PAIRS | {ProbeKind.TUNNEL} if not found.works else frozenset()
        do = encryption.advice(name)
        yield Cause(CauseKind.ENCRYPTION, (name,), found.problem, do, kept | {ProbeKind.ENCRYPTION})
    if found.without_key:
        seen = f"no preshared key with {', '.join(found.without_key)}"
        yield Cause(CauseKind.ENCRYPTION, (name,), seen, encryption.BOTH, frozenset({ProbeKind.ENCRYPTION}))


def _not_measured(known: ProbedHost, loop_danger: Sequence[str]) -> Iterator[Cause]:
    if loop_danger:
        return
    name = known.facts.name
    do = f"look at `journalctl -u docker` on {name}"
    if known.container_error and known.facts.docker is not None:
        seen = f"no probe container could be started: {known.container_error}"
        yield Cause(CauseKind.NOT_MEASURED, (name,), seen, do, frozenset(CONTAINER_PAIRS))
    elif known.container and known.from_container.error:
        seen = f"the probe container could not measure: {known.from_container.error}"
        yield Cause(CauseKind.NOT_MEASURED, (name,), seen, do, frozenset(CONTAINER_PAIRS))
    if known.from_host.error:
        seen = f"the host could not measure: {known.from_host.error}"
        yield Cause(
            CauseKind.NOT_MEASURED, (name,), seen, "check that python3 works there", PAIRS - set(CONTAINER_PAIRS)
        )
