"""HostConfig × HostFacts → HostDiff: pure."""

import re
from collections.abc import Iterator, Mapping

from dockmesh.diff import api, fabric
from dockmesh.diff.apart import apart_step
from dockmesh.diff.datapath import refuse_datapath
from dockmesh.diff.docker import RESTART, docker_step
from dockmesh.diff.linux_bridge import bridge_changes, moved, strays, with_mtu, without
from dockmesh.diff.networks import network_steps
from dockmesh.diff.packages import package_steps
from dockmesh.diff.types import Change, HostDiff, Step, StepName
from dockmesh.errors import ConflictError, HostError
from dockmesh.facts.system import LIBRARY
from dockmesh.facts.types import FileState, HostFacts
from dockmesh.model import Renderer
from dockmesh.record.paths import APPLIED, STAY_OUT
from dockmesh.remote.seam import Put, Remove, Request, Run
from dockmesh.render import bridge, docker, names, ports
from dockmesh.render.host import (
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

PACKAGE_OF = {
    "ovs-vsctl": "openvswitch-switch",
    "dockerd": "docker.io",
    "docker": "docker-cli",
    "iptables": "iptables",
    "nft": "nftables",
}
SWITCH_UNIT = "openvswitch-switch.service"
SYSTEMD = "/etc/systemd/"
ATTACHING = (ATTACH_PROGRAM, ATTACH_UNIT_FILE, ATTACH_UNIT)
NAMES = (names.PROGRAM, names.SETTINGS, names.UNIT_FILE)
# interfaces(5): `source` takes a pattern, `source-directory` a folder.
INTERFACES_FILE = "/etc/network/interfaces"
SOURCES_FOLDER = re.compile(r"^\s*source(-directory)?\s+(/etc/network/)?interfaces\.d\b", re.MULTILINE)
FACT_PATHS = (*PATHS, docker.DAEMON_JSON, docker.BEFORE, docker.RESOLV_CONF, INTERFACES_FILE, APPLIED, STAY_OUT)


def diff(config: HostConfig, facts: HostFacts) -> HostDiff:
    """Raises ConflictError where something of the user's is in the way; DatapathError, HostError where it can't be."""
    refuse_datapath(config, facts)
    upgrade, install = package_steps(config, facts, _missing(config, facts))
    docker_change = docker_step(config, facts)
    files = _files(config, facts)
    switch = _switch(config, facts)
    built = None if switch else fabric.fabric_step(config, facts)
    on_bridge = tuple(_docker_bridge(config, facts, fabric_made=built is not None and built[1]))
    apart, networks = network_steps(config, facts)
    restarts = docker_change is not None and any(change.subject == RESTART for change in docker_change.changes)
    attached = (
        link := facts.link(config.docker_bridge.member)
    ) is not None and link.master == config.docker_bridge.name
    steps = (
        upgrade,
        switch,
        install,
        apart_step(config, facts) if built else None,
        apart,
        _detach(config) if restarts and attached else None,
        docker_change,
        files,
        built[0] if built else None,
        # Before the unit is started, which makes the same bridges.
        networks,
        _attach(config, facts, on_bridge, again=restarts) if on_bridge or (restarts and attached) else None,
    )
    return HostDiff(config.host, tuple(step for step in steps if step is not None))


def packages_of(config: HostConfig) -> Mapping[str, str]:
    """By program the package, by its name in Debian, of all that the host needs."""
    return {
        **PACKAGE_OF,
        **({"brctl": "bridge-utils"} if config.renderer is Renderer.IFUPDOWN else {}),
        **({"stunnel": "stunnel4"} if config.docker_api else {}),
        **({LIBRARY: "python3-dnslib"} if config.domain is not None else {}),
    }


def _missing(config: HostConfig, facts: HostFacts) -> list[str]:
    """The packages, by their names in Debian, of the programs that are not there."""
    if config.renderer is Renderer.IFUPDOWN:
        _refuse_other_network_managers(config, facts)
    missing = [package for program, package in packages_of(config).items() if program not in facts.programs]
    if missing and not facts.package_manager:
        raise HostError(
            f"lacks {', '.join(missing)}, and has no apt-get to install it with",
            host=config.host,
            answered=facts.system,
            do="install Open vSwitch and Docker by hand, then run the command again",
        )
    return missing


def _refuse_other_network_managers(config: HostConfig, facts: HostFacts) -> None:
    """To bring ifupdown onto a host that another program configures could cost it its network."""
    text = facts.file(INTERFACES_FILE)
    if "ifup" not in facts.programs or text is None:
        raise HostError(
            "its network is not in the hands of ifupdown",
            host=config.host,
            answered="no program ifup" if "ifup" not in facts.programs else f"no file {INTERFACES_FILE}",
            now="nothing was changed on this host",
            do="set `renderer: systemd` under `fabric`, which needs no ifupdown",
        )
    if not SOURCES_FOLDER.search(text):
        raise HostError(
            f"{INTERFACES_FILE} does not read the files in interfaces.d",
            host=config.host,
            now="nothing was changed on this host",
            do="put this line into it: source /etc/network/interfaces.d/*",
        )


def _switch(config: HostConfig, facts: HostFacts) -> Step | None:
    """Open vSwitch is there, but does not run: what its database holds is seen only when it does."""
    if facts.ovs is not None or "ovs-vsctl" not in facts.programs:
        return None
    change = Change(config.host, SWITCH_UNIT, "not running", "running", "the fabric is in its hands")
    # Also enabled: where somebody switched it off, it would be missing again after the next boot.
    return Step(StepName.SWITCH, (change,), (Run(("systemctl", "enable", "--now", SWITCH_UNIT)),))


def _files(config: HostConfig, facts: HostFacts) -> Step | None:
    changes: list[Change] = []
    requests: list[Request] = []
    wanted = {file.path: file for file in config.files}
    for path in PATHS:
        present = facts.files.get(path)
        file = wanted.get(path)
        if present is not None and not present.text.startswith(MARK):
            raise ConflictError(
                f"has a file {path} that dockmesh did not make",
                host=config.host,
                answered=present.text.strip().split("\n", 1)[0] or "an empty file",
                now="nothing was changed on this host",
                do="move it away, then run the command again",
            )
        if file is not None and (present is None or (present.text, present.mode) != (file.text, file.mode)):
            actual, written = (api.state if path in API_PEMS else _state)(present, file)
            changes.append(Change(config.host, path, actual, written, _why(path, "it makes the mesh at boot")))
            requests.append(Put(path, file.text, file.mode))
        if file is None and present is not None and path not in config.unknown:
            changes.append(Change(config.host, path, "a file of ours", None, _why_not(config, path)))
            if path in UNITS:
                # Stopped, too, which does nothing to the network: a unit without a file would count as active for ever.
                requests.append(Run(("systemctl", "disable", "--now", UNITS[path])))
            requests.append(Remove(path))
    states = {unit: facts.units.get(unit, {}).get("UnitFileState") or None for unit in config.units}
    disabled = {unit: state for unit, state in states.items() if state != "enabled"}
    for unit, state in disabled.items():
        changes.append(Change(config.host, unit, state, "enabled", _why(unit, "it makes the mesh at boot")))
        requests.append(Run(("systemctl", "enable", unit)))
    # To enable a unit reads all units anew (systemctl(1)), which on a busy host takes a third of a second.
    if not disabled and any(change.subject.startswith(SYSTEMD) for change in changes):
        requests.append(Run(("systemctl", "daemon-reload")))
    if any(change.subject in (GUARD, FLOWS_UNIT_FILE) and change.expected for change in changes):
        requests.append(Run(("systemctl", "try-restart", FLOWS_UNIT)))
    if any(change.subject in ports.FILES and change.expected for change in changes):
        # By other rules alone it need not let go of the old ones.
        anew = any(change.subject in ports.FILES and change.subject != ports.RULES for change in changes)
        requests.append(Run(("systemctl", "try-restart" if anew else "try-reload-or-restart", ports.UNIT)))
    requests += api.take(changes)
    if any(change.subject in NAMES and change.expected for change in changes):
        requests.append(Run(("systemctl", "try-restart", names.UNIT)))
    if any(change.subject in (ATTACH_PROGRAM, ATTACH_UNIT_FILE) and change.expected for change in changes):
        # Not only if it runs: what goes may have been stopped for what stays. It touches nothing but these interfaces.
        requests.append(Run(("systemctl", "restart", ATTACH_UNIT)))
    return Step(StepName.FILES, tuple(changes), tuple(requests)) if requests else None


def _why(subject: str, otherwise: str) -> str:
    if subject in (names.UNIT, *NAMES):
        return "containers find each other by name"
    if subject in ATTACHING:
        return "it keeps attached interfaces up"
    if subject in (ports.UNIT, *ports.FILES):
        return "no container sends as its host, or by another's MAC address"
    return api.REASON if subject in (API_UNIT, *API_FILES) else otherwise


def _why_not(config: HostConfig, path: str) -> str:
    if path in NAMES:
        return "the mesh has no names"
    if path in ATTACHING:
        return "no interface is attached here any more"
    return "docker_api is not in the file" if path in API_FILES else f"{config.renderer} does not use it"


def _state(present: FileState | None, file: File) -> tuple[str | None, str]:
    if present is None:
        return None, "written"
    if present.text == file.text:
        return f"mode {present.mode:04o}", f"mode {file.mode:04o}"
    return "another text", "written"


def _docker_bridge(config: HostConfig, facts: HostFacts, *, fabric_made: bool) -> Iterator[Change]:
    host = config.host
    gone = strays(config.docker_bridge, facts, config.given)
    yield from bridge_changes(host, config.docker_bridge, facts, gone, member_made=fabric_made)
    if facts.file(STAY_OUT) is not None:
        yield Change(
            host, STAY_OUT, "br0 stays out of docker0", None, "a run was taken back; now its addresses are its own"
        )
    for unit in config.units:
        state = facts.units.get(unit, {}).get("ActiveState") or "inactive"
        if state != "active":
            why = _why(unit, "it puts the mesh back after a restart of Open vSwitch")
            yield Change(host, unit, state, "active", why)


def _detach(config: HostConfig) -> Step:
    change = Change(
        config.host,
        config.docker_bridge.member,
        f"in {config.docker_bridge.name}",
        "alone for a moment",
        "nobody may own two addresses, or one address of another, while Docker changes",
    )
    return Step(StepName.DETACH, (change,), tuple(map(Run, bridge.detach(config.docker_bridge))))


def _attach(config: HostConfig, facts: HostFacts, changes: tuple[Change, ...], *, again: bool) -> Step:
    if not changes and again:
        wanted = config.docker_bridge
        changes = (Change(config.host, wanted.member, None, f"in {wanted.name}", "Docker has its addresses now"),)
    link = facts.link(config.docker_bridge.name)
    make = bridge.make(config.docker_bridge) if link is None else ()
    commands = (*make, *bridge.set_up(config.docker_bridge), *bridge.attach(config.docker_bridge))
    # Docker's API is bound to docker0 itself, and knows no other of that name.
    verbs = {API_UNIT: "restart"} if link is None else {}
    start = tuple(("systemctl", verbs.get(unit, "start"), unit) for unit in config.units)
    allow: tuple[Request, ...] = () if facts.file(STAY_OUT) is None else (Remove(STAY_OUT),)
    # A Docker that restarts takes away the address that it had before.
    gone = () if again else without(moved(config.docker_bridge, facts))
    gone += without(strays(config.docker_bridge, facts, config.given)) + with_mtu(config.docker_bridge, facts)
    return Step(StepName.ATTACH, changes, (*allow, *gone, *(Run(argv) for argv in (*commands, *start))))
