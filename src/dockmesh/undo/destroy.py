"""What it takes to leave a host as it was before dockmesh: pure.

Each step may be the last one: the host is out of the mesh before anything else of it changes, and does not come back
by a boot. What is needed to go on from there is removed last.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dockmesh.agent.commit_confirm import BACK, RUNTIME
from dockmesh.agent.lock import LOCK
from dockmesh.diff import attachments, tunnel_devices
from dockmesh.diff.fabric import tunnel_of
from dockmesh.diff.host import SWITCH_UNIT
from dockmesh.diff.networks import ours as ours_of
from dockmesh.diff.networks import refuse_in_use, taken_apart
from dockmesh.diff.networks import subject as network_subject
from dockmesh.diff.packages import DOCKER
from dockmesh.diff.subject import FABRIC, Subject, Thing, tunnel
from dockmesh.diff.types import Change, HostDiff, Step, StepName
from dockmesh.errors import ConflictError, HostError
from dockmesh.facts.types import HostFacts, OvsBridge
from dockmesh.model.network import DOCKER_BRIDGE, FABRIC_BRIDGE, TUNNEL_SINK
from dockmesh.record import applied
from dockmesh.record.back_unit import UNIT_FILE as BACK_UNIT_FILE
from dockmesh.record.initial_state import FOLDERS, LEFT_BY, InitialState
from dockmesh.record.paths import STATE
from dockmesh.render import ovs, ports, tunnel_device, wireguard
from dockmesh.render.paths import MARK, PATHS, UNITS
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Exec, Remove, Request
from dockmesh.undo import restore
from dockmesh.undo.removable import SWITCH_PACKAGE
from dockmesh.undo.restore_docker import restore_docker

WHY = "as it was before the first apply"
LEFTOVERS = (STATE, RUNTIME, *FOLDERS)
LEFTOVERS_THERE = ("find", *LEFTOVERS, "-maxdepth", "0")
RELOAD = Exec(("systemctl", "daemon-reload"))
ROOTS = ("/etc", "/var/lib", "/var/log")  # of what packages leave


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What a host has beside its facts that only the end of a mesh is interested in."""

    initial: InitialState | None = None  # None: it is not known what the host was
    there: frozenset[str] = frozenset()  # of LEFTOVERS
    removable: tuple[str, ...] = ()  # packages that shall go
    ran: tuple[str, ...] = ()  # containers that ran when an earlier destroy restarted Docker


def destroy(config: HostConfig, facts: HostFacts, leftovers: Leftovers) -> HostDiff:
    """Nothing that has no mark of ours is touched.

    Raises ConflictError where the host is of another mesh or its daemon.json can't be read; HostError where it can't be
    seen what is there, or where a newer dockmesh wrote its record.
    """
    host = config.host
    _refuse_other_mesh(host, config.mesh, facts)
    _refuse_stopped_switch(host, facts, leftovers)
    networks = _together(_attached(config, facts), _networks(config, facts))
    bridge = facts.bridge(FABRIC_BRIDGE)
    ours = bridge if bridge is not None and ovs.MARK in bridge.external_ids else None
    files, fabric = _files(host, facts), _fabric(config, facts, ours)
    if (facts.file(wireguard.SETTINGS) or "").startswith(MARK):
        # The locks go when no tunnel leads inside any more; the settings with them, so that nothing forgets them.
        unlock: tuple[Request, ...] = (*map(Exec, wireguard.FORGET), Remove(wireguard.SETTINGS))
        if fabric is not None:
            fabric = replace(fabric, requests=(*fabric.requests, *unlock))
        elif files is not None:
            files = replace(files, requests=(*files.requests, *unlock))
    steps = (
        networks,
        _detach(host, facts) if ours else None,
        files,
        fabric,
        restore_docker(config, facts, leftovers.initial, leftovers.removable, leftovers.ran),
        _switch(host, facts, leftovers),
        _packages(host, leftovers),
        _forget(host, facts, leftovers),
    )
    return HostDiff(host, tuple(step for step in steps if step is not None))


def in_the_way(config: HostConfig, facts: HostFacts) -> ConflictError | None:
    """Why none of it can be carried out now: containers run on a network that goes. It can be shown all the same."""
    try:
        for name in ours_of(config.mesh, facts):
            refuse_in_use(config.host, facts, name, "goes with the mesh")
    except ConflictError as error:
        return error
    return None


def _refuse_other_mesh(host: str, mesh: str, facts: HostFacts) -> None:
    bridge, record = facts.bridge(FABRIC_BRIDGE), applied.of(facts)
    owners = {bridge.external_ids.get(ovs.MARK) if bridge else None, record.mesh if record else None}
    if others := sorted(owner for owner in owners if owner and owner != mesh):
        raise ConflictError(
            f"is a host of mesh {others[0]}, and not of {mesh}",
            host=host,
            now="nothing was changed on this host",
            do=f"use the file of mesh {others[0]}",
        )


def _refuse_stopped_switch(host: str, facts: HostFacts, leftovers: Leftovers) -> None:
    """The bridge would be there again with the next start of Open vSwitch, after we had forgotten it."""
    if facts.ovs is not None or "ovs-vsctl" not in facts.programs or STATE not in leftovers.there:
        return
    stopped_by_us = (
        leftovers.initial is not None and not leftovers.initial.ran(SWITCH_UNIT) and _files(host, facts) is None
    )
    if not stopped_by_us:
        raise HostError(
            "Open vSwitch does not run, and the fabric is in its database",
            host=host,
            now="nothing was changed on this host",
            do=f"start it (`systemctl start {SWITCH_UNIT}`), then run the command again",
        )


def _detach(host: str, facts: HostFacts) -> Step | None:
    member = facts.link(FABRIC_BRIDGE)
    if member is None or member.master != DOCKER_BRIDGE:
        return None
    change = Change(
        host,
        Subject(Thing.DEVICE, FABRIC_BRIDGE),
        f"in {DOCKER_BRIDGE}",
        "alone",
        "from here on the host is out of the mesh",
    )
    return Step(StepName.DETACH, (change,), (restore.NO_MASTER,))


def _networks(config: HostConfig, facts: HostFacts) -> Step | None:
    """Raises HostError where Docker cannot be told to forget one."""
    present = ours_of(config.mesh, facts)
    if present and facts.docker is None and "dockerd" in facts.programs:
        raise HostError(
            f"Docker does not run, and has the network {' and '.join(present)} of the mesh",
            host=config.host,
            now="nothing was changed on this host",
            do="start it (`systemctl start docker`), then run the command again",
        )
    changes: list[Change] = []
    requests: list[Request] = []
    for name, linux_bridge in present.items():
        changes.append(Change(config.host, network_subject(name), "a network of the mesh", None, WHY))
        requests += taken_apart(facts, name, linux_bridge)
    return Step(StepName.LEAVE, tuple(changes), tuple(requests)) if changes else None


def _attached(config: HostConfig, facts: HostFacts) -> Step | None:
    changes: list[Change] = []
    requests: list[Request] = []
    for switch in attachments.switches(config.mesh, facts):
        interface = switch.external_ids[ovs.INTERFACE_MARK]
        changes.append(Change(config.host, Subject(Thing.INTERFACE, interface), "attached", None, WHY))
        requests += attachments.taken_apart(switch, facts)
    return Step(StepName.LEAVE, tuple(changes), tuple(requests)) if changes else None


def _together(*steps: Step | None) -> Step | None:
    there = [step for step in steps if step is not None]
    changes = tuple(change for step in there for change in step.changes)
    requests = tuple(request for step in there for request in step.requests)
    return Step(StepName.LEAVE, changes, requests) if there else None


def _files(host: str, facts: HostFacts) -> Step | None:
    """The units first: a host that boots from here on does not join the mesh."""
    present = [path for path in PATHS if (facts.file(path) or "").startswith(MARK)]
    changes = [Change(host, Subject(Thing.FILE, path), "a file of ours", None, WHY) for path in present]
    units = {UNITS[path]: facts.units.get(UNITS[path], {}) for path in present if path in UNITS}
    enabled = [unit for unit, states in units.items() if states.get("UnitFileState") == "enabled"]
    running = [unit for unit, states in units.items() if states.get("ActiveState") not in (None, "", "inactive")]
    orders = ((verb, of) for verb, of in (("disable", enabled), ("stop", running)) if of)
    requests: list[Request] = [Exec(("systemctl", verb, *of)) for verb, of in orders]
    if ports.UNIT_FILE in present and "nft" in facts.programs:
        requests.append(Exec(ports.FORGET))
    requests += [Remove(path) for path in present if path != wireguard.SETTINGS]
    return Step(StepName.UNMAKE_FILES, tuple(changes), (*requests, RELOAD)) if changes else None


def _fabric(config: HostConfig, facts: HostFacts, bridge: OvsBridge | None) -> Step | None:
    """Our bridge with its tunnels, and the kernel's devices that are tunnels."""
    devices = tunnel_devices.ours(config.mesh, facts)
    changes, requests = ((), ()) if bridge is None else _bridge(config.host, facts, bridge)
    living = [] if bridge is None else [port.name for port in bridge.interfaces]
    left = tuple(
        Change(config.host, tunnel(None, link.name), "a device of ours", None, WHY)
        for link in devices
        if link.name not in living
    )
    sink = [] if not tunnel_device.is_ours(_alias(facts, TUNNEL_SINK)) else [TUNNEL_SINK]
    left += tuple(Change(config.host, Subject(Thing.DEVICE, name), "a device of ours", None, WHY) for name in sink)
    gone = tuple(Exec(tunnel_device.delete(name)) for name in (*(link.name for link in devices), *sink))
    return Step(StepName.UNMAKE_FABRIC, (*changes, *left), (*requests, *gone)) if changes or left else None


def _alias(facts: HostFacts, name: str) -> str | None:
    link = facts.link(name)
    return None if link is None else link.alias


def _bridge(host: str, facts: HostFacts, bridge: OvsBridge) -> tuple[tuple[Change, ...], tuple[Request, ...]]:
    marked = [port for port in bridge.interfaces if ovs.MARK in port.external_ids]
    tunnels = [port for port in marked if ovs.NETWORK_MARK not in port.external_ids]
    theirs = foreign_ports(bridge)
    changes = [Change(host, tunnel_of(port), f"to {facts.remote_of(port)}", None, WHY) for port in tunnels]
    if theirs:
        words = [word for port in tunnels for word in ("--", "--if-exists", "del-port", bridge.name, port.name)]
        words += ["--", "remove", "bridge", bridge.name, "external_ids", ovs.MARK]
        stays = f"stays for {', '.join(theirs)}, without our mark"
        changes.append(Change(host, FABRIC, "of the mesh", stays, "these ports are not ours"))
    else:
        words = ["--", "--if-exists", "del-br", bridge.name]
        changes.append(Change(host, FABRIC, "of the mesh", None, WHY))
    return tuple(changes), (Exec(ovs.make_sure_argv(tuple(words), restore.TIMEOUT_S)),)


def foreign_ports(bridge: OvsBridge) -> list[str]:
    """Somebody's own ports in our bridge."""
    return [port.name for port in bridge.interfaces if port.name != bridge.name and ovs.MARK not in port.external_ids]


def _switch(host: str, facts: HostFacts, leftovers: Leftovers) -> Step | None:
    """It did not run before, and nobody has anything in it."""
    initial = leftovers.initial
    if initial is None or SWITCH_UNIT not in initial.services or initial.ran(SWITCH_UNIT) or facts.ovs is None:
        return None
    if any(ovs.MARK not in bridge.external_ids or foreign_ports(bridge) for bridge in facts.ovs):
        return None
    stop = Exec(("systemctl", "stop", SWITCH_UNIT))
    disable = () if initial.enabled(SWITCH_UNIT) else (Exec(("systemctl", "disable", SWITCH_UNIT)),)
    change = Change(host, Subject(Thing.UNIT, SWITCH_UNIT), "running", "not running", WHY)
    return Step(StepName.STOP_SWITCH, (change,), (*disable, stop))


def _packages(host: str, leftovers: Leftovers) -> Step | None:
    names = leftovers.removable
    if not names:
        return None
    changes = tuple(Change(host, Subject(Thing.PACKAGE, name), "installed by dockmesh", None, WHY) for name in names)
    return Step(StepName.PURGE, changes, packages=names)


def _forget(host: str, facts: HostFacts, leftovers: Leftovers) -> Step | None:
    unit = facts.file(BACK_UNIT_FILE) is not None
    if not (unit or leftovers.there & {STATE, RUNTIME}):
        return None
    changes = (
        *((Change(host, Subject(Thing.UNIT, f"{BACK}.service"), "a unit of ours", None, WHY),) if unit else ()),
        Change(host, Subject(Thing.FILE, STATE), "what dockmesh recorded of this host", None, WHY),
    )
    requests: tuple[Request, ...] = (
        *((Exec(("systemctl", "disable", f"{BACK}.service")), Remove(BACK_UNIT_FILE), RELOAD) if unit else ()),
        *(Exec(argv) for argv in _empty_folders(leftovers.initial)),
        *(Exec(_empty(left)) for left in (_left_by_packages(facts, leftovers),) if left),
        Exec(("rm", "--recursive", "--force", RUNTIME, STATE, LOCK)),
    )
    return Step(StepName.FORGET, changes, requests)


def _empty_folders(initial: InitialState | None) -> Iterator[tuple[str, ...]]:
    """Those that we made, if nobody put anything into them since. `find` does not mind one that is gone."""
    for folder in FOLDERS:
        if initial is None or folder not in initial.folders:
            above, _, name = folder.rpartition("/")
            yield ("find", above, "-maxdepth", "1", "-name", name, "-type", "d", "-empty", "-delete")


def _left_by_packages(facts: HostFacts, leftovers: Leftovers) -> tuple[str, ...]:
    """Folders that were not there before packages of ours, which are gone by then."""
    if leftovers.initial is None or not leftovers.initial.packages:
        return ()
    leaving = {"ovs-vsctl": SWITCH_PACKAGE in leftovers.removable, "dockerd": bool({*DOCKER} & {*leftovers.removable})}
    gone = [program for program in LEFT_BY if leaving[program] or program not in facts.programs]
    return tuple(folder for program in gone for folder in LEFT_BY[program] if folder not in leftovers.initial.folders)


def _empty(folders: tuple[str, ...]) -> tuple[str, ...]:
    """Those of them that are empty, one in another too; `find` does not mind one that is not there."""
    named = [word for folder in folders for word in ("-o", "-path", folder)][1:]
    return ("find", *ROOTS, "-maxdepth", "2", "(", *named, ")", "-type", "d", "-empty", "-delete")


def read_ran(text: str | None) -> tuple[str, ...]:
    try:
        return tuple(map(str, json.loads(text or "[]")))
    except (ValueError, TypeError):
        return ()
