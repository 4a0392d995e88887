"""Where each difference comes from: the file, somebody's hand, or both; and in what words to say it.

The host's record of the last apply tells what was wanted then. What is still wanted and is not so any more has drifted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from dockmesh import __version__
from dockmesh.diff.host import SWITCH_UNIT, desired
from dockmesh.diff.subject import RESTART, Desired, Subject, Thing
from dockmesh.diff.types import Change, HostDiff, Origin
from dockmesh.facts.types import HostFacts
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.plan.types import Plan
from dockmesh.record import applied
from dockmesh.record.applied import Applied
from dockmesh.render import ovs
from dockmesh.render.docker import DAEMON_JSON, LABEL_KEY
from dockmesh.render.paths import API_CA, API_CERTIFICATE, API_KEY, API_REVOKED
from dockmesh.render.types import HostConfig

Told = tuple[Origin, str]
NO_RECORD = "changed in the file or by hand: the host has no record of an apply"
CERTIFICATES = {
    API_CA: "the mesh has another authority",
    API_REVOKED: "a certificate was revoked",
    API_CERTIFICATE: "it is renewed",
    API_KEY: "it is the new certificate's",
}


@dataclass(frozen=True, slots=True)
class _Known:
    """What it takes to tell."""

    hosts: frozenset[str]  # of the file as it is now
    record: Applied
    desired: Mapping[str, Desired]  # now, by the keys of the record

    def differing(self, subject: Subject) -> tuple[str, str] | None:
        """What was wanted of it and what is now, where these are not the same."""
        was, now = self.record.expected.get(subject.key), self.desired.get(subject.key)
        return (was, now.value) if was and now and was != now.value else None

    def tell(self, change: Change) -> Change:
        return _told(change, *_compare(self, change))


def explain(plan: Plan, config: HostConfig, facts: HostFacts, found: HostDiff) -> HostDiff:
    """The same changes, each with its origin; what the differ of a change knows of it itself stays so.

    Raises HostError for a record that a newer dockmesh wrote.
    """
    record = applied.of(facts)
    if record is not None and record.mesh == config.mesh:
        by_key = {each.subject.key: each for each in desired(config)}
        known = _Known(frozenset(host.name for host in plan.hosts), record, by_key)
        tell: Callable[[Change], Change] = known.tell
    elif _has_ours(config, facts):
        tell = partial(_told, origin=Origin.UNKNOWN, because=NO_RECORD)
    else:
        tell = _first
    steps = tuple(replace(step, changes=tuple(map(tell, step.changes))) for step in found.steps)
    return replace(found, steps=steps, deferred=tuple(map(tell, found.deferred)))


def expected(config: HostConfig) -> dict[str, str]:
    """All that is wanted of a host, for its record."""
    return {each.subject.key: each.value for each in desired(config)}


def _told(change: Change, origin: Origin, because: str) -> Change:
    return replace(change, origin=origin, because=because) if change.origin is Origin.UNKNOWN else change


def _first(change: Change) -> Change:
    """Where nothing is of ours yet, nothing follows from anything."""
    return change if change.origin is Origin.FILE else replace(change, origin=Origin.FIRST, because="not applied yet")


def _has_ours(config: HostConfig, facts: HostFacts) -> bool:
    fabric = facts.bridge(FABRIC_BRIDGE)
    return (
        (fabric is not None and ovs.MARK in fabric.external_ids)
        or any(file.path in facts.files for file in config.files)
        or LABEL_KEY in (facts.file(DAEMON_JSON) or "")
    )


def _compare(known: _Known, change: Change) -> Told:
    subject = change.subject
    if subject.kind is Thing.TUNNEL and not subject.aspect and (kinds := known.differing(subject.of("type"))):
        return Origin.FILE, " → ".join(kinds)  # a tunnel that goes, or comes, for the file wants another kind
    was, now = known.record.expected.get(subject.key), known.desired.get(subject.key)
    if change.expected is None:
        if was is None or now is not None:
            return Origin.DRIFT, "added by hand"
        return Origin.FILE, _gone(known, subject)
    if was is None or now is None:
        return Origin.FILE, _new(known, subject)
    if was == now.value:
        return Origin.DRIFT, _hand(change)
    actual = change.actual if change.found is None else change.found
    if subject.name in CERTIFICATES and actual == was:
        return Origin.CERTIFICATES, CERTIFICATES[subject.name]
    if _is_text(subject) and _only_texts_differ(known):
        return (Origin.FOLLOWS, "ports have other names") if actual == was else (Origin.DRIFT, _hand(change))
    words = _changed(known.record, subject, was, now.value)
    if actual is None and subject != RESTART:
        return Origin.BOTH, f"{words}; and removed by hand"
    comparable = change.found is not None or change.expected == now.value
    return (Origin.BOTH, f"{words}; and changed by hand") if comparable and actual != was else (Origin.FILE, words)


def _is_text(subject: Subject) -> bool:
    """Whether the record has no more of it than that it is another one."""
    return subject.kind is Thing.FILE and subject.name != DAEMON_JSON


def _only_texts_differ(known: _Known) -> bool:
    """Then nothing of the file changed: a text has the names of ports, which the plan does not choose alone."""
    was, now = known.record.expected, known.desired
    apart = [now.get(key) for key in {*was, *now} if key not in was or key not in now or was[key] != now[key].value]
    return known.record.version == __version__ and all(each is not None and _is_text(each.subject) for each in apart)


def _hand(change: Change) -> str:
    subject = change.subject
    if subject == RESTART:
        return "Docker does not run" if change.actual is None else "Docker runs with settings of its own"
    if subject.kind is Thing.UNIT:
        if subject.name == SWITCH_UNIT or change.expected == "active":
            return "stopped"
        return "disabled by hand" if change.actual else "removed by hand"
    return "removed by hand" if change.actual is None else "changed by hand"


def _gone(known: _Known, subject: Subject) -> str:
    if subject.kind is not Thing.TUNNEL or subject.aspect or not subject.name:
        return "no longer wanted"
    return f"no link to {subject.name} any more" if subject.name in known.hosts else f"{subject.name} was removed"


def _new(known: _Known, subject: Subject) -> str:
    if subject.kind is Thing.TUNNEL and not subject.aspect:
        new = f"a link to {subject.name} is new"
        return new if subject.name in known.record.hosts else f"{subject.name} was added"
    return "new in the file" if known.record.version == __version__ else _other_version(known.record)


def _changed(record: Applied, subject: Subject, was: str, now: str) -> str:
    if not _is_text(subject):
        return f"{was} → {now}"
    return "a different text follows from it" if record.version == __version__ else _other_version(record)


def _other_version(record: Applied) -> str:
    return f"dockmesh {__version__} makes something else of it than {record.version} did"
