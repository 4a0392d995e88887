"""What is not right in a mesh, in words, the worst first."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from dockmesh.diff.types import Origin
from dockmesh.errors import ConnectError, DockmeshError
from dockmesh.facts.types import HostFacts
from dockmesh.model.tunnel import Encapsulation
from dockmesh.plan.types import Link, Plan
from dockmesh.status import api, attached, encryption, names
from dockmesh.status.types import FramePath, HostAnswers, HostStatus, StatusFinding
from dockmesh.verify import pools, tree, tunnel
from dockmesh.verify.tunnel import End, TunnelState

APPLY = "run `dockmesh apply`"
SUBJECTS = 3  # named of a host's differences; `dockmesh diff` has them all
PAIRS = 5  # named of those without a path
Ends = Mapping[tuple[str, str], End]


def find(
    plan: Plan, heard: Mapping[str, HostAnswers], hosts: Sequence[HostStatus], ways: Sequence[FramePath], now: datetime
) -> Iterator[StatusFinding]:
    facts = {name: each.facts for name, each in heard.items()}
    ends = tunnel.read_ends(plan, facts)
    new = {host.name for host in hosts if _is_new(host)}
    for host in hosts:
        if host.error:
            yield _silent(host.name, host.error, ends)
    for host in hosts:
        if host.name in new:
            yield StatusFinding((host.name,), "not applied yet", APPLY)
        elif not host.error:
            yield from _host(host)
            yield from api.findings(host, now)
            yield from names.findings(host, heard)
            yield from encryption.findings(host)
            yield from attached.findings(plan, host, heard)
    said = {host.name: host.encryption.problem for host in hosts if host.encryption and host.encryption.problem}
    for link in plan.links:
        if not new & {link.a, link.b}:
            yield from _link(plan, heard, ends, link, said)
    yield from _addresses(plan, {name: each for name, each in facts.items() if name not in new})
    applied = {name: each for name, each in facts.items() if name not in new}
    yield from _tree(plan, applied)
    yield from _cut_off(ways, set(applied))
    for host in hosts:
        if host.name not in new:
            yield from _differences(host)


def _is_new(host: HostStatus) -> bool:
    return bool(host.differences) and {change.origin for change in host.differences} == {Origin.FIRST}


def _silent(name: str, error: DockmeshError, ends: Ends) -> StatusFinding:
    report = error.report
    said = (report.answered or "").strip().splitlines()
    if isinstance(error, ConnectError):
        # "no SSH connection" says nothing that is not said; "its host key is unknown" does.
        why = said[-1].removeprefix("ssh: ") if said and report.what.startswith("no SSH") else report.what
        what = f"does not answer SSH: {why}"
    else:
        what = report.what
    towards = [end for (_, peer), end in ends.items() if peer == name]
    down = [end.host for end in towards if end.state is TunnelState.DOWN]
    if down:
        what += f"; its {'tunnels are' if len(down) > 1 else 'tunnel is'} down on {_and(down)}"
    elif towards and all(end.state is TunnelState.UP for end in towards):
        what += f"; its tunnels are up on {_and([end.host for end in towards])}, so it is alive"
    return StatusFinding((name,), what, report.do or "check that the host is up")


def _host(host: HostStatus) -> Iterator[StatusFinding]:
    if host.switch is None:
        do = f"look at `systemctl status openvswitch-switch` on {host.name}, then {APPLY}"
        yield StatusFinding((host.name,), "Open vSwitch does not answer", do)
    if host.docker is None:
        do = f"look at `journalctl -u docker` on {host.name}; {APPLY} when it can start"
        yield StatusFinding((host.name,), "Docker does not answer", do)
    if host.refused:
        report = host.refused.report
        yield StatusFinding((host.name,), f"cannot be compared with the file: {report.what}", report.do or APPLY)


def _addresses(plan: Plan, facts: Mapping[str, HostFacts]) -> Iterator[StatusFinding]:
    for name, known in facts.items():
        host = plan.host(name)
        for pool in pools.use(host, known):
            if pool.full:
                what = f"its {pool.shown} is full: all {pool.total:,} addresses are taken, no container starts"
                yield StatusFinding((name,), what, pools.ROOM)
        # While Docker itself has another pool, that is what is said.
        if known.docker is not None and known.docker.pool == host.pool:
            yield from (StatusFinding((name,), each.text, each.do(name)) for each in pools.outside(host, known))
    for each in pools.alike(plan, facts):
        yield StatusFinding(each.hosts, f"{each.text}: frames for one go to the other", pools.OTHER_MAC)


def _link(
    plan: Plan, heard: Mapping[str, HostAnswers], ends: Ends, link: Link, said: Mapping[str, str]
) -> Iterator[StatusFinding]:
    """One finding a link; both ends of a link fail together, mostly. `said`: what was said of a host already."""
    there = [end for key in ((link.a, link.b), (link.b, link.a)) if (end := ends.get(key))]
    wrong = [end for end in there if end.state in (TunnelState.MISSING, TunnelState.BROKEN, TunnelState.NO_BFD)]
    for end in wrong:
        if heard[end.host].facts.ovs is not None and end.wrong != said.get(end.host):
            yield StatusFinding((end.host, end.peer), f"tunnel {_name(end)} {_wrong(end)}", end.do)
    down = [end for end in there if end.state is TunnelState.DOWN]
    if len(there) == 2 and down and not wrong:
        yield StatusFinding((link.a, link.b), *_down(plan.wire, heard, there, down))


def _name(end: End) -> str:
    return f"{end.port} of {end.host} → {end.peer}"


def _wrong(end: End) -> str:
    match end.state:
        case TunnelState.MISSING:
            return "is missing"
        case TunnelState.NO_BFD:
            return "has BFD switched off: nobody notices when it fails"
        case _:
            return f"is not as planned: {end.wrong}"


def _down(
    wire: Encapsulation, heard: Mapping[str, HostAnswers], ends: Sequence[End], down: Sequence[End]
) -> tuple[str, str]:
    deaf = [end for end in down if not end.hears]
    if len(deaf) == 1:
        arrives = f"BFD's packets from {deaf[0].peer} do not arrive at {deaf[0].host}"
    else:
        arrives = "BFD's packets do not arrive"
    why, do = _underlay_reason(wire, heard, down)
    between = " – ".join(f"{end.host} ({end.port})" for end in ends)
    return f"the tunnel {between} is down: {arrives}; {why}", do


def _underlay_reason(wire: Encapsulation, heard: Mapping[str, HostAnswers], down: Sequence[End]) -> tuple[str, str]:
    ends = [(end, heard[end.host].underlay[end.peer]) for end in down if end.peer in heard[end.host].underlay]
    for end, check in ends:
        if check.rule:
            return f"iptables on {end.host} drops {wire.protocol}: {check.rule}", f"take that rule away on {end.host}"
    pings = [check.pings for _, check in ends if check.pings is not None]
    if any(pings):
        return (
            f"their underlay addresses answer pings, so something drops {wire.name}",
            f"open {wire.protocol} both ways in the firewalls of the hosts and of the network between them",
        )
    if pings:
        return "no ping passes between their underlay addresses either", "repair the network between the two"
    return "the reason was not found", "`dockmesh verify` measures more"


def _tree(plan: Plan, facts: Mapping[str, HostFacts]) -> Iterator[StatusFinding]:
    views = tree.read_views(plan, facts)
    for name, problems in tree.problems(plan, facts).items():
        if name not in views:
            continue  # that Open vSwitch or its bridge is not there is said already
        root = tree.root_host(plan, views[name].root)
        for problem in problems:
            # A root that could not be asked may live all the same; whether the choice was right, nobody knows.
            if not (root and root not in facts and problem.startswith(tree.TAKES)):
                yield StatusFinding(
                    (name,), f"spanning tree: {problem}", f"{APPLY}; if it stays, `dockmesh verify` says more"
                )


def _cut_off(ways: Sequence[FramePath], applied: set[str]) -> Iterator[StatusFinding]:
    lost = [way for way in ways if not way.hosts and {way.a, way.b} <= applied]
    if lost:
        pairs = ", ".join(f"{way.a} – {way.b}" for way in lost[:PAIRS])
        more = f" and {len(lost) - PAIRS} more" if len(lost) > PAIRS else ""
        hosts = tuple(dict.fromkeys(name for way in lost for name in (way.a, way.b)))
        yield StatusFinding(hosts, f"no path for frames between {pairs}{more}", "repair the tunnels, then look again")


def _differences(host: HostStatus) -> Iterator[StatusFinding]:
    if not host.differences:
        return
    origins = Counter(change.origin for change in host.differences)
    words = {
        Origin.DRIFT: "drift",
        Origin.FILE: "the file changed",
        Origin.BOTH: "drift and the file changed",
        Origin.CERTIFICATES: "other certificates",
        Origin.UNKNOWN: "differs from the file",
        Origin.FIRST: "not applied yet",
    }
    kinds = "; ".join(f"{words[origin]} ({number})" for origin, number in origins.items() if origin in words)
    named = ", ".join(str(change.subject) for change in host.differences[:SUBJECTS])
    more = f" and {len(host.differences) - SUBJECTS} more" if len(host.differences) > SUBJECTS else ""
    do = f"`dockmesh diff --host {host.name}` shows it, `dockmesh apply` makes it match the file"
    yield StatusFinding((host.name,), f"{kinds}: {named}{more}", do)


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
