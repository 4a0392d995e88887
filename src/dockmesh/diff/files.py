"""Files and units of ours: what differs, and what makes systemd and their readers take it."""

from collections.abc import Collection, Iterator, Set
from hashlib import sha256

from dockmesh.diff import api
from dockmesh.diff.subject import Desired, Subject, Thing
from dockmesh.diff.types import Change, Step, StepName
from dockmesh.errors import ConflictError
from dockmesh.facts.types import FileState, HostFacts
from dockmesh.render import names, ports, wireguard
from dockmesh.render.paths import (
    API_FILES,
    API_PEMS,
    API_UNIT,
    ATTACH_PROGRAM,
    ATTACH_UNIT,
    ATTACH_UNIT_FILE,
    FLOWS_UNIT,
    FLOWS_UNIT_FILE,
    GUARD,
    MARK,
    PATHS,
    UNITS,
)
from dockmesh.render.types import File, HostConfig
from dockmesh.transport.requests import Exec, Put, Remove, Request

SYSTEMD = "/etc/systemd/"
ATTACHING = (ATTACH_PROGRAM, ATTACH_UNIT_FILE, ATTACH_UNIT)
NAMES = (names.PROGRAM, names.SETTINGS, names.UNIT_FILE)
AT_BOOT = "it makes the mesh at boot"


def desired(config: HostConfig) -> Iterator[Desired]:
    for file in config.files:
        yield Desired(Subject(Thing.FILE, file.path), in_record(file), _why(file.path, AT_BOOT))
    for unit in config.units:
        yield Desired(Subject(Thing.UNIT, unit), "enabled, active", _why(unit, AT_BOOT))


def in_record(file: File | FileState) -> str:
    """Of text and mode: enough to see that they are others."""
    return f"sha256 {sha256(file.text.encode()).hexdigest()}, mode {file.mode:04o}"


def files_step(config: HostConfig, facts: HostFacts) -> Step | None:
    """With the encryption at work, if it is wanted: before the fabric is built, which sends to the addresses inside.

    Raises ConflictError for a file of that name which is not ours.
    """
    files = tuple(_file_changes(config, facts))
    units = tuple(_unit_changes(config, facts))
    locks = tuple(_active_changes(config, facts, [unit for unit in config.units if unit == wireguard.UNIT]))
    if not (files or units or locks):
        return None
    written = {change.subject.name for change in files if change.expected is not None}
    changed = {change.subject.name for change in files}
    # To enable units reads all units again (systemctl(1)), which on a busy host takes a third of a second.
    enable = (Exec(("systemctl", "enable", *(each.subject.name for each in units))),) if units else ()
    reload = not units and any(path.startswith(SYSTEMD) for path in changed)
    reread = (Exec(("systemctl", "daemon-reload")),) if reload else ()
    start = (Exec(("systemctl", "start", wireguard.UNIT)),) if locks else ()
    requests = (*_writes(config, files), *enable, *reread, *_take(written), *start)
    return Step(StepName.FILES, (*files, *units, *locks), requests)


def forget_encryption(step: Step | None) -> tuple[Request, ...]:
    """What takes the locks away, if that is what the step of files is about: for when no tunnel leads inside any more.

    Its settings go with them, so that a run that ended in between is known by them.
    """
    goes = step is not None and any(
        change.subject == Subject(Thing.FILE, wireguard.SETTINGS) and change.expected is None for change in step.changes
    )
    return (*map(Exec, wireguard.FORGET), Remove(wireguard.SETTINGS)) if goes else ()


def _file_changes(config: HostConfig, facts: HostFacts) -> Iterator[Change]:
    texts = {file.path: file for file in config.files}
    for path in PATHS:
        subject, present, file = Subject(Thing.FILE, path), facts.files.get(path), texts.get(path)
        if present is not None and not present.text.startswith(MARK):
            raise ConflictError(
                f"has a file {path} that dockmesh did not make",
                host=config.host,
                answered=present.text.strip().split("\n", 1)[0] or "an empty file",
                now="nothing was changed on this host",
                do="move it away, then run the command again",
            )
        if present is not None and path in config.unknown:
            continue
        if file is not None and (present is None or (present.text, present.mode) != (file.text, file.mode)):
            found = None if present is None else in_record(present)
            actual, written = (api.state if path in API_PEMS else _state)(present, file)
            yield Change(config.host, subject, actual, written, _why(path, AT_BOOT), found=found)
        if file is None and present is not None:
            yield Change(config.host, subject, "a file of ours", None, _why_not(config, path))


def _writes(config: HostConfig, changes: Collection[Change]) -> Iterator[Request]:
    files = {file.path: file for file in config.files}
    for path in (change.subject.name for change in changes):
        if (file := files.get(path)) is not None:
            yield Put(path, file.text, file.mode)
            continue
        if path in UNITS:
            # Stopped, too, which does nothing to the network: a unit without a file would count as active for ever.
            yield Exec(("systemctl", "disable", "--now", UNITS[path]))
        if path != wireguard.SETTINGS:
            yield Remove(path)


def _unit_changes(config: HostConfig, facts: HostFacts) -> Iterator[Change]:
    for unit in config.units:
        state = facts.units.get(unit, {}).get("UnitFileState") or None
        if state != "enabled":
            change = Change(config.host, Subject(Thing.UNIT, unit), state, "enabled", _why(unit, AT_BOOT))
            yield change.following("its file was not there") if state is None else change


def active_changes(config: HostConfig, facts: HostFacts) -> Iterator[Change]:
    """The units that do not run, to be started when the fabric is there."""
    yield from _active_changes(config, facts, [unit for unit in config.units if unit != wireguard.UNIT])


def _active_changes(config: HostConfig, facts: HostFacts, units: Collection[str]) -> Iterator[Change]:
    for unit in units:
        state = facts.units.get(unit, {}).get("ActiveState") or "inactive"
        if state != "active":
            why = _why(unit, "it puts the mesh back after a restart of Open vSwitch")
            yield Change(config.host, Subject(Thing.UNIT, unit), state, "active", why)


def _take(written: Set[str]) -> Iterator[Request]:
    """What makes programs of ours that run take what was written for them."""
    if written & {GUARD, FLOWS_UNIT_FILE}:
        yield Exec(("systemctl", "try-restart", FLOWS_UNIT))
    if of_ports := written & {*ports.FILES}:
        # By other rules alone it need not let go of the old ones.
        yield Exec(("systemctl", "try-reload-or-restart" if of_ports == {ports.RULES} else "try-restart", ports.UNIT))
    if of_encryption := written & {*wireguard.FILES}:
        # By other settings alone nobody is sent away.
        verb = "try-reload-or-restart" if of_encryption == {wireguard.SETTINGS} else "try-restart"
        yield Exec(("systemctl", verb, wireguard.UNIT))
    yield from api.take(written)
    if written & {*NAMES}:
        yield Exec(("systemctl", "try-restart", names.UNIT))
    if written & {ATTACH_PROGRAM, ATTACH_UNIT_FILE}:
        # Not only if it runs: what goes may have been stopped for what stays. It touches nothing but these interfaces.
        yield Exec(("systemctl", "restart", ATTACH_UNIT))


def _why(name: str, otherwise: str) -> str:
    if name in (names.UNIT, *NAMES):
        return "containers find each other by name"
    if name in (wireguard.UNIT, *wireguard.FILES):
        return "what goes between hosts is encrypted"
    if name in ATTACHING:
        return "it keeps attached interfaces up"
    if name in (ports.UNIT, *ports.FILES):
        return "no container sends as its host, or by another's MAC address"
    return api.REASON if name in (API_UNIT, *API_FILES) else otherwise


def _why_not(config: HostConfig, path: str) -> str:
    if path in NAMES:
        return "the mesh has no names"
    if path in wireguard.FILES:
        return "encryption is off"
    if path in ATTACHING:
        return "no interface is attached here any more"
    return "docker_api is not in the file" if path in API_FILES else f"{config.renderer} does not use it"


def _state(present: FileState | None, file: File) -> tuple[str | None, str]:
    if present is None:
        return None, "written"
    if present.text == file.text:
        return f"mode {present.mode:04o}", f"mode {file.mode:04o}"
    return "another text", "written"
