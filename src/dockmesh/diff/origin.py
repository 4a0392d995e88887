"""Where each difference comes from: the file, somebody's hand, or both; and in what words to say it.

The host's record of the last apply tells what was wanted then. What is still wanted and is not so any more has drifted.
"""

from dataclasses import dataclass, replace

from dockmesh import __version__
from dockmesh.diff import flows
from dockmesh.diff.apart import OLD_FLOWS
from dockmesh.diff.docker import RESTART_FOR_IPV6, RESTART_FOR_NAMES
from dockmesh.diff.expected import FINGERPRINT, expected, fingerprint, tunnel_key
from dockmesh.diff.host import SWITCH_UNIT
from dockmesh.diff.types import Change, HostDiff, Origin, StepName
from dockmesh.facts.types import HostFacts
from dockmesh.model import FABRIC_BRIDGE
from dockmesh.plan.types import Plan
from dockmesh.record.applied import Applied, read
from dockmesh.record.paths import APPLIED
from dockmesh.render import ovs
from dockmesh.render.docker import DAEMON_JSON, LABEL_KEY
from dockmesh.render.host import API_CA, API_CERTIFICATE, API_KEY, API_PEMS, API_REVOKED, FLOWS
from dockmesh.render.types import DockerNetwork, File, HostConfig

Told = tuple[Origin, str]
FIRST = (Origin.FIRST, "not applied yet")
UNKNOWN = (Origin.UNKNOWN, "changed in the file or by hand: the host has no record of an apply")
CERTIFICATES = {
    API_CA: "the mesh has another authority",
    API_REVOKED: "a certificate was revoked",
    API_CERTIFICATE: "it is renewed",
    API_KEY: "it is the new certificate's",
}
FABRIC_CHANGE = f"bridge {FABRIC_BRIDGE}"


@dataclass(frozen=True, slots=True)
class _Known:
    """What it takes to tell."""

    hosts: frozenset[str]  # of the file as it is now
    config: HostConfig
    facts: HostFacts
    record: Applied | None
    wanted: dict[str, str]


def explain(plan: Plan, config: HostConfig, facts: HostFacts, found: HostDiff) -> HostDiff:
    """The same changes, each with its origin."""
    hosts = frozenset(host.name for host in plan.hosts)
    known = _Known(hosts, config, facts, read(facts.file(APPLIED)), expected(config))
    subjects = {change.subject for change in found.changes}
    steps = []
    for step in found.steps:
        changes = []
        for change in step.changes:
            origin, because = _tell(known, step.name, change, subjects)
            changes.append(replace(change, origin=origin, because=because))
        steps.append(replace(step, changes=tuple(changes)))
    return replace(found, steps=tuple(steps))


def _tell(known: _Known, step: StepName, change: Change, subjects: set[str]) -> Told:
    if step is StepName.UPGRADE:
        return Origin.FILE, "it brings newer packages"
    record = known.record
    if record is None or record.mesh != known.config.mesh:
        if not _has_ours(known.config, known.facts):
            return FIRST
        return _follows(known, step, change, subjects) or UNKNOWN
    return _follows(known, step, change, subjects) or _compare(known, record, change)


def _has_ours(config: HostConfig, facts: HostFacts) -> bool:
    fabric = facts.bridge(FABRIC_BRIDGE)
    return (
        (fabric is not None and ovs.MARK in fabric.external_ids)
        or any(file.path in facts.files for file in config.files)
        or LABEL_KEY in (facts.file(DAEMON_JSON) or "")
    )


def _follows(known: _Known, step: StepName, change: Change, subjects: set[str]) -> Told | None:
    """What apply does only for another change's sake; alone it would be no difference."""
    bridge = known.config.docker_bridge
    member = known.facts.link(bridge.member)
    because = None
    if step is StepName.APART:
        because = "the flows change" if change.subject == OLD_FLOWS else f"{FABRIC_BRIDGE} is made anew"
    elif step is StepName.DETACH:
        because = "Docker restarts"
    elif step is StepName.FABRIC and FABRIC_CHANGE in subjects and change.subject.startswith("tunnel "):
        because = f"{FABRIC_BRIDGE} is made anew"
    elif change.subject == flows.SUBJECT and {FABRIC_CHANGE, FLOWS} & subjects:
        because = f"{FABRIC_BRIDGE} is made anew" if FABRIC_CHANGE in subjects else "they stand in that file"
    elif step is StepName.ATTACH and change.subject == bridge.member:
        if bridge.name in subjects:
            because = f"{bridge.name} is made anew"
        elif member is None or (member.master == bridge.name and member.up):
            because = f"{bridge.member} is made anew" if FABRIC_CHANGE in subjects else "Docker restarts"
    elif step is StepName.NETWORKS and (network := _network_of(known, change.subject)):
        if f"bridge {network.bridge.member}" in subjects:
            because = f"{network.bridge.member} is made anew"
    elif change.subject in (RESTART_FOR_NAMES, RESTART_FOR_IPV6):
        because = _of_file(change.subject, subjects)
    elif step is StepName.INSTALL and change.subject not in known.wanted:
        because = "another package needs it"
    elif step is StepName.FILES and change.subject in known.config.units and change.actual is None:
        because = "its file was not there"
    return (Origin.FOLLOWS, because) if because else None


def _of_file(restart: str, subjects: set[str]) -> str | None:
    if restart == RESTART_FOR_NAMES:
        return f"{DAEMON_JSON} says another dns"
    return f"{DAEMON_JSON} says so" if DAEMON_JSON in subjects else None


def _network_of(known: _Known, member: str) -> DockerNetwork | None:
    """Of whose bridge this is the member, if that was there and is not somewhere else."""
    link = known.facts.link(member)
    for network in known.config.networks:
        if network.bridge.member == member and (link is None or link.master in (None, network.bridge.name)):
            return network
    return None


def _compare(known: _Known, record: Applied, change: Change) -> Told:
    if kinds := _kinds(known, record, change):
        return Origin.FILE, kinds
    if change.subject == RESTART_FOR_IPV6:
        return Origin.FILE, "Docker has not been restarted since"
    key = _key(known, change)
    was, wanted = record.expected.get(key), known.wanted.get(key)
    if change.expected is None:
        if was is None or wanted is not None:
            return Origin.DRIFT, "added by hand"
        return Origin.FILE, _gone(known, change)
    if was is None:
        return Origin.FILE, _new(known, record, change)
    if was == wanted:
        return Origin.DRIFT, _hand(change)
    actual = _actual(known, change)
    if change.subject in API_PEMS and actual == was:
        return Origin.CERTIFICATES, CERTIFICATES[change.subject]
    if was.startswith(FINGERPRINT) and _only_texts_differ(known, record):
        return (Origin.FOLLOWS, "ports have other names") if actual == was else (Origin.DRIFT, _hand(change))
    words = _changed(record, was, wanted or "")
    if actual is None and key != "docker restart":
        return Origin.BOTH, f"{words}; and removed by hand"
    # A bridge is recorded with its priority, and shown without.
    shown = change.subject == FABRIC_CHANGE and was.startswith(f"{actual},")
    if change.expected == wanted and actual != was and not shown:
        return Origin.BOTH, f"{words}; and changed by hand"
    return Origin.FILE, words


def _kinds(known: _Known, record: Applied, change: Change) -> str | None:
    """Of a tunnel that goes, or comes, because the file wants another kind."""
    head, _, port = change.subject.partition(" ")
    peer = _peer(known, port) if head == "tunnel" else None
    if peer is None:
        return None
    key = f"{tunnel_key(peer)} type"
    was, wanted = record.expected.get(key), known.wanted.get(key)
    return f"{was} → {wanted}" if was and wanted and was != wanted else None


def _only_texts_differ(known: _Known, record: Applied) -> bool:
    """Then nothing of the file changed: a text has the names of ports, which the plan does not choose alone."""
    apart = {key for key in {*record.expected, *known.wanted} if record.expected.get(key) != known.wanted.get(key)}
    return record.version == __version__ and all(known.wanted.get(key, "").startswith(FINGERPRINT) for key in apart)


def _key(known: _Known, change: Change) -> str:
    """The name in the record: a tunnel's is that of its peer."""
    head, _, rest = change.subject.partition(" ")
    port, setting = (rest, "") if head == "tunnel" else (head, f" {rest}")
    peer = _peer(known, port)
    return f"{tunnel_key(peer)}{setting}" if peer else change.subject


def _peer(known: _Known, port: str) -> str | None:
    for tunnel in known.config.tunnels:
        if tunnel.port == port:
            return tunnel.peer
    fabric = known.facts.bridge(FABRIC_BRIDGE)
    interface = fabric.interface(port) if fabric else None
    return interface.external_ids.get(ovs.PEER_MARK) if interface else None


def _actual(known: _Known, change: Change) -> str | None:
    """In the words of the record, where it keeps a fingerprint."""
    state = known.facts.files.get(change.subject)
    if state is not None and change.subject != DAEMON_JSON:
        return fingerprint(File(change.subject, state.text, state.mode))
    return change.actual


def _hand(change: Change) -> str:
    if change.subject == "docker restart":
        return "Docker does not run" if change.actual is None else "Docker runs with settings of its own"
    if change.subject == SWITCH_UNIT or change.expected == "active":
        return "stopped"
    if change.subject.endswith(".service"):
        return "disabled by hand" if change.actual else "removed by hand"
    return "removed by hand" if change.actual is None else "changed by hand"


def _gone(known: _Known, change: Change) -> str:
    head, _, port = change.subject.partition(" ")
    peer = _peer(known, port) if head == "tunnel" else None
    if peer is None:
        return "no longer wanted"
    return f"no link to {peer} any more" if peer in known.hosts else f"{peer} was removed"


def _new(known: _Known, record: Applied, change: Change) -> str:
    head, _, port = change.subject.partition(" ")
    peer = _peer(known, port) if head == "tunnel" else None
    if peer is not None:
        return f"a link to {peer} is new" if peer in record.hosts else f"{peer} was added"
    return "new in the file" if record.version == __version__ else _other_version(record)


def _changed(record: Applied, was: str, wanted: str) -> str:
    if not wanted.startswith(FINGERPRINT):
        return f"{was} → {wanted}"
    return "another text follows from it" if record.version == __version__ else _other_version(record)


def _other_version(record: Applied) -> str:
    return f"from it, dockmesh {__version__} makes something else than {record.version} did"
