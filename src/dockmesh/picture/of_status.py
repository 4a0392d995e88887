"""The picture of a mesh as it is: hosts and links by their state, and the paths of frames that go round something."""

from collections.abc import Iterator

from dockmesh.diff.types import Origin
from dockmesh.picture.of_plan import groups_of, subtitle_of
from dockmesh.picture.types import LineKind, LinkLine, MeshPicture, Node
from dockmesh.plan.topology import hub_of
from dockmesh.plan.types import Link, Plan
from dockmesh.status.types import HostStatus, Status
from dockmesh.verify.tunnel import TunnelState

NOTES = 12  # of each kind; the rest is counted


def picture_of_status(plan: Plan, status: Status, when: str) -> MeshPicture:
    """`when` says when it was looked at. Hosts of the plan that were not asked are drawn without a word on them."""
    hosts = {host.name: host for host in status.hosts}
    return MeshPicture(
        plan.name,
        f"{subtitle_of(plan)}; {when}",
        tuple(_node(hosts.get(host.name), host.name, status) for host in plan.hosts),
        tuple(LinkLine(link.a, link.b, _kind(plan, status, link)) for link in plan.links),
        hub_of(plan.fabric.topology, plan.hosts[0].name),
        groups_of(plan),
        (*_shortened(list(_detours(status)), "paths more"), *_shortened(list(_findings(status)), "findings more")),
    )


def _node(host: HostStatus | None, name: str, status: Status) -> Node:
    mark = "root" if name == status.root else ""
    if host is None:
        return Node(name, ("not asked",), mark)
    if host.error is not None:
        return Node(name, ("no answer",), mark, wrong=True)
    ends = [end for end in status.tunnels if end.host == name]
    up = sum(end.state is TunnelState.UP for end in ends)
    drift = sum(change.origin in (Origin.DRIFT, Origin.BOTH) for change in host.differences)
    parts = [f"{host.containers} container{'' if host.containers == 1 else 's'}"] if host.containers is not None else []
    parts += [f"{drift} drift"] if drift else []
    is_named = any(name in finding.hosts for finding in status.findings)
    return Node(name, (f"{up} of {len(ends)} tunnels up", ", ".join(parts)), mark, wrong=is_named)


def _kind(plan: Plan, status: Status, link: Link) -> LineKind:
    """Down if one end says so; not known where that end is up, or was not seen, and the other host said nothing."""
    states = [end.state for end in status.tunnels if {end.host, end.peer} == {link.a, link.b}]
    if any(state is not TunnelState.UP for state in states):
        return LineKind.DOWN
    silent = {host.name for host in status.hosts if host.error is not None}
    if not states or silent & {link.a, link.b}:
        return LineKind.UNKNOWN
    return LineKind.CARRIES if link in plan.carrying or _is_on_a_path(status, link) else LineKind.STANDBY


def _is_on_a_path(status: Status, link: Link) -> bool:
    """Frames use it, whatever the plan wants while all is well."""
    pairs = (set(pair) for way in status.ways for pair in zip(way.hosts, way.hosts[1:], strict=False))
    return any(pair == {link.a, link.b} for pair in pairs)


def _detours(status: Status) -> Iterator[str]:
    """Between linked hosts whose link does not carry them; where there is a tree most ways have hosts between."""
    linked = {frozenset((end.host, end.peer)) for end in status.tunnels}
    for way in status.ways:
        if frozenset((way.a, way.b)) in linked and len(way.hosts) != 2 and status.root is None:
            yield f"{way.a} ↔ {way.b}: {'via ' + ', '.join(way.through) if way.hosts else 'no path'}"


def _findings(status: Status) -> Iterator[str]:
    for finding in status.findings:
        yield f"{', '.join(finding.hosts)}: {finding.what}" if finding.hosts else finding.what


def _shortened(texts: list[str], what: str) -> list[str]:
    return texts if len(texts) <= NOTES else [*texts[:NOTES], f"and {len(texts) - NOTES} {what}"]
