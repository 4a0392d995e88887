"""HostConfig × HostFacts → HostDiff: pure."""

import re
from collections.abc import Iterator
from dataclasses import replace

from dockmesh.diff import docker, fabric, files, linux_bridge, networks, packages
from dockmesh.diff.daemon_json import RESOLV_CONF
from dockmesh.diff.datapath import refuse_datapath
from dockmesh.diff.docker import docker_step
from dockmesh.diff.files import active_changes, files_step, forget_encryption
from dockmesh.diff.keys import keys_step
from dockmesh.diff.networks import network_steps
from dockmesh.diff.packages import package_steps, packages_of
from dockmesh.diff.quiesce import quiesce_step
from dockmesh.diff.subject import RESTART, Desired, Subject, Thing
from dockmesh.diff.types import Change, HostDiff, Step, StepName
from dockmesh.errors import HostError
from dockmesh.facts.types import HostFacts
from dockmesh.model.mesh import Renderer
from dockmesh.record.paths import APPLIED, STAY_OUT
from dockmesh.render import bridge
from dockmesh.render.docker import BEFORE, DAEMON_JSON
from dockmesh.render.paths import API_UNIT, PATHS
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Exec, Remove, Request

SWITCH_UNIT = "openvswitch-switch.service"
DOCKER_RESTARTS = "Docker restarts"
# interfaces(5): `source` takes a pattern, `source-directory` a folder.
INTERFACES_FILE = "/etc/network/interfaces"
SOURCES_FOLDER = re.compile(r"^\s*source(-directory)?\s+(/etc/network/)?interfaces\.d\b", re.MULTILINE)
FACT_PATHS = (*PATHS, DAEMON_JSON, BEFORE, RESOLV_CONF, INTERFACES_FILE, APPLIED, STAY_OUT)


def diff(config: HostConfig, facts: HostFacts) -> HostDiff:
    """Raises ConflictError where something of the user's is in the way; DatapathError, HostError where it can't be."""
    refuse_datapath(config, facts)
    upgrade, install = package_steps(config, facts, _missing(config, facts))
    docker_change = docker_step(config, facts)
    written = files_step(config, facts)
    switch = _switch(config, facts)
    built = None if switch else fabric.fabric_step(config, facts)
    on_bridge = tuple(_docker0_changes(config, facts, fabric_made=built is not None and built[1]))
    leave, made = network_steps(config, facts)
    restarts = docker_change is not None and RESTART in docker_change.subjects
    link = facts.link(config.docker0.switch)
    attached = link is not None and link.master == config.docker0.bridge
    fabric_step = built[0] if built else None
    if forget := forget_encryption(written):
        if fabric_step is not None:
            fabric_step = replace(fabric_step, requests=(*fabric_step.requests, *forget))
        elif written is not None:
            written = replace(written, requests=(*written.requests, *forget))
    steps = (
        upgrade,
        switch,
        install,
        quiesce_step(config, facts) if built else None,
        leave,
        _detach(config) if restarts and attached else None,
        docker_change,
        keys_step(config, facts),
        written,
        fabric_step,
        # Before the unit is started, which makes the same bridges.
        made,
        _attach(config, facts, on_bridge, again=restarts) if on_bridge or (restarts and attached) else None,
    )
    return HostDiff(config.host, tuple(step for step in steps if step is not None))


def desired(config: HostConfig) -> Iterator[Desired]:
    """All that `diff` compares, by what it is about: what the record of a host keeps."""
    yield from packages.desired(config)
    yield _switch_desired()
    yield from docker.desired(config)
    yield from files.desired(config)
    yield from fabric.desired(config)
    for network in config.networks:
        yield from linux_bridge.desired(network)
    yield from networks.desired(config)


def _missing(config: HostConfig, facts: HostFacts) -> list[str]:
    """The packages, by their names in Debian, of the programs that are not there."""
    if config.renderer is Renderer.IFUPDOWN:
        _refuse_other_network_managers(config, facts)
    missing = [package for program, package in packages_of(config, facts).items() if program not in facts.programs]
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
            "its network is not managed by ifupdown",
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


def _switch_desired() -> Desired:
    return Desired(Subject(Thing.UNIT, SWITCH_UNIT), "running", "it manages the fabric")


def _switch(config: HostConfig, facts: HostFacts) -> Step | None:
    """Open vSwitch is there, but does not run: what its database holds is seen only when it does."""
    if facts.ovs is not None or "ovs-vsctl" not in facts.programs:
        return None
    wanted = _switch_desired()
    change = Change(config.host, wanted.subject, "not running", wanted.value, wanted.reason)
    # Also enabled: where somebody switched it off, it would be missing again after the next boot.
    return Step(StepName.SWITCH, (change,), (Exec(("systemctl", "enable", "--now", SWITCH_UNIT)),))


def _docker0_changes(config: HostConfig, facts: HostFacts, *, fabric_made: bool) -> Iterator[Change]:
    yield from linux_bridge.bridge_changes(config, config.docker0, facts, member_made=fabric_made)
    if facts.file(STAY_OUT) is not None:
        why = "a run was rolled back; now its addresses are its own"
        yield Change(config.host, Subject(Thing.FILE, STAY_OUT), "br0 stays out of docker0", None, why)
    yield from active_changes(config, facts)


def _detach(config: HostConfig) -> Step:
    why = "no address may have two owners while Docker changes"
    there = linux_bridge.joined(config.docker0)
    change = Change(config.host, there.subject, there.value, "alone for a moment", why).following(DOCKER_RESTARTS)
    return Step(StepName.DETACH, (change,), tuple(map(Exec, bridge.detach(config.docker0))))


def _attach(config: HostConfig, facts: HostFacts, changes: tuple[Change, ...], *, again: bool) -> Step:
    if not changes and again:
        there = linux_bridge.joined(config.docker0)
        change = Change(config.host, there.subject, None, there.value, "Docker has its addresses now")
        changes = (change.following(DOCKER_RESTARTS),)
    # Docker's API is bound to docker0 itself, and knows no other of that name.
    verbs = {API_UNIT: "restart"} if facts.link(config.docker0.bridge) is None else {}
    start = (Exec(("systemctl", verbs.get(unit, "start"), unit)) for unit in config.units)
    allow: tuple[Request, ...] = () if facts.file(STAY_OUT) is None else (Remove(STAY_OUT),)
    on_bridge = linux_bridge.set_right(config, config.docker0, facts, restarts=again)
    return Step(StepName.ATTACH, changes, (*allow, *on_bridge, *start))
