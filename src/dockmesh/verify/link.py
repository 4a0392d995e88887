"""What is wrong between two linked hosts: their tunnel, and the underlay below it."""

from collections.abc import Iterator, Mapping

from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.model.tunnel import Encapsulation
from dockmesh.plan.types import Link, Plan
from dockmesh.verify import tunnel
from dockmesh.verify.evidence import MeshEvidence, TargetEvidence
from dockmesh.verify.host import PAIRS, SIZES
from dockmesh.verify.tunnel import APPLY, End, TunnelState
from dockmesh.verify.types import Cause, CauseKind, ProbeKind, Scope

BELOW = PAIRS | {ProbeKind.TUNNEL, ProbeKind.TREE}
OPEN = "open {} both ways in the firewalls of the hosts and of the network between them"


def problems(plan: Plan, evidence: MeshEvidence) -> Iterator[Cause]:
    ends = tunnel.read_ends(plan, {name: known.facts for name, known in evidence.hosts.items()})
    silent = [link for link in plan.links if _is_silent(evidence, ends, link)]
    dead = _dead_hosts(plan, silent) if silent else set()
    yield from _dead_underlays(plan, dead)
    for link in plan.links:
        if link in silent:
            if not dead & {link.a, link.b}:
                yield _silent_underlay(plan, link)
        else:
            yield from _tunnel(plan, evidence, ends, link)
            yield from _narrow_underlay(plan, evidence, link)


def _echoes(evidence: MeshEvidence, link: Link) -> dict[tuple[str, str], TargetEvidence]:
    """Pings from underlay address to underlay address, by direction, where there were any."""
    found = {}
    for source, target in ((link.a, link.b), (link.b, link.a)):
        known = evidence.hosts.get(source)
        if known and target in known.from_host.underlay:
            found[source, target] = known.from_host.underlay[target]
    return found


def _is_down(ends: Mapping[tuple[str, str], End], link: Link) -> bool:
    there = [ends.get((link.a, link.b)), ends.get((link.b, link.a))]
    return any(end is not None and end.state in (TunnelState.DOWN, TunnelState.NO_BFD) for end in there)


def _is_silent(evidence: MeshEvidence, ends: Mapping[tuple[str, str], End], link: Link) -> bool:
    """The tunnel is down and no ping passes below it either."""
    echoes = _echoes(evidence, link)
    return _is_down(ends, link) and bool(echoes) and all(target.ping.ms is None for target in echoes.values())


def _dead_hosts(plan: Plan, silent: list[Link]) -> set[str]:
    """Hosts that are silent towards all of several peers: then it is the host, and not each link."""
    dead = set()
    for host in plan.hosts:
        own = [link for link in plan.links if host.name in (link.a, link.b)]
        peers = {link.b if link.a == host.name else link.a for link in own}
        elsewhere = [link for link in plan.links if link not in own and peers & {link.a, link.b}]
        if len(own) > 1 and all(link in silent for link in own) and not all(link in silent for link in elsewhere):
            dead.add(host.name)
    return dead


def _dead_underlays(plan: Plan, dead: set[str]) -> Iterator[Cause]:
    for name in sorted(dead):
        ends, at = plan.host(name).tunnels, plan.host(name).found_at
        peers = ", ".join(end.peer for end in ends)
        if at is None:
            what = f"it hears no answer to pings from the underlay addresses of {peers}"
            ping = f"`ping {ends[0].underlay}` on {name}"
        else:
            what = f"its underlay address {at} and {peers} do not hear each other's pings"
            ping = f"`ping {at}` on {ends[0].peer}"
        do = f"check that {name} is up, and repair its cable or routes: {ping}"
        yield Cause(CauseKind.UNDERLAY_DOWN, (name,), what, do, BELOW)


def _silent_underlay(plan: Plan, link: Link) -> Cause:
    a, b = plan.host(link.a), plan.host(link.b)
    if a.found_at is not None and b.found_at is not None:
        what = f"no ping passes between their underlay addresses {a.found_at} and {b.found_at}"
    else:
        a, b = (b, a) if b.is_dynamic else (a, b)
        what = f"no ping of {a.name} is answered by {b.name} at {b.found_at}"
    do = f"repair the network between them until `ping {b.found_at}` on {a.name} answers"
    return Cause(CauseKind.UNDERLAY_DOWN, (link.a, link.b), what, do, BELOW, scope=Scope.LINK)


def _tunnel(plan: Plan, evidence: MeshEvidence, ends: Mapping[tuple[str, str], End], link: Link) -> Iterator[Cause]:
    wire = plan.wire
    directions = ((link.a, link.b), (link.b, link.a))
    pair = (link.a, link.b)
    there = [end for direction in directions if (end := ends.get(direction))]
    for end in there:
        if end.state is TunnelState.MISSING and evidence.hosts[end.host].facts.bridge(FABRIC_BRIDGE):
            seen = f"{end.host} has no tunnel to {end.peer}"
            yield Cause(CauseKind.TUNNEL_MISSING, pair, seen, APPLY, BELOW, scope=Scope.LINK)
        elif end.state is TunnelState.BROKEN:
            seen = f"{end.port} on {end.host}, to {end.peer}: {end.wrong}"
            yield Cause(CauseKind.TUNNEL_WRONG, pair, seen, end.do, BELOW, scope=Scope.LINK)
        elif end.state is TunnelState.NO_BFD:
            seen = f"{end.port} on {end.host}, to {end.peer}, has BFD switched off: nobody notices when it fails"
            yield Cause(CauseKind.TUNNEL_WRONG, pair, seen, APPLY, frozenset({ProbeKind.TUNNEL}), scope=Scope.LINK)
        elif end.hampers:
            seen = f"{end.port} on {end.host}, to {end.peer}: {end.hampers}"
            yield Cause(CauseKind.TUNNEL_WRONG, pair, seen, APPLY, SIZES, scope=Scope.LINK)
    if all(end.state is TunnelState.DOWN for end in there) and any(
        target.ping.ms for target in _echoes(evidence, link).values()
    ):
        yield Cause(
            CauseKind.TUNNEL_FILTERED,
            pair,
            f"their underlay addresses answer pings, but {_unheard(wire, there)}: "
            f"something between them drops {wire.name}",
            OPEN.format(f"{wire.protocol} ({wire.name})"),
            BELOW,
            scope=Scope.LINK,
        )


def _unheard(wire: Encapsulation, ends: list[End]) -> str:
    """BFD tells one direction from the other: who is heard but does not hear."""
    deaf = [end for end in ends if not end.hears]
    if len(deaf) == 1 and len(ends) == 2:
        return f"no {wire.name} from {deaf[0].peer} arrives at {deaf[0].host}"
    return f"no {wire.name} arrives at either" if len(ends) == 2 else f"no {wire.name} arrives at {ends[0].host}"


def _narrow_underlay(plan: Plan, evidence: MeshEvidence, link: Link) -> Iterator[Cause]:
    wanted = plan.mtu_sum.underlay
    for (source, target), echo in _echoes(evidence, link).items():
        if echo.ping.ms is not None and echo.full is not None and echo.full.ms is None:
            refused = echo.full.error == "EMSGSIZE"
            seen = (
                f"the underlay device of {source} does not take packets of {wanted} bytes"
                if refused
                else f"a packet of {wanted} bytes from the underlay address of {source} does not arrive at {target}'s"
            )
            yield Cause(
                CauseKind.UNDERLAY_MTU,
                (link.a, link.b),
                seen,
                "raise the MTU of the network between them, or write the smaller one into the mesh file for "
                f"{source if refused else target}, and run `dockmesh apply`",
                SIZES,
                scope=Scope.LINK,
            )
            return
