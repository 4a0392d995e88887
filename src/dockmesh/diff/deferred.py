"""What of a host's changes can be made without a restart of Docker: pure."""

from dataclasses import replace
from enum import Enum

from dockmesh.diff.docker import NO_RULES
from dockmesh.diff.subject import FABRIC, RESTART, RESTART_FOR_IPV6, RESTART_FOR_KEYS, RESTART_FOR_NAMES
from dockmesh.diff.types import HostDiff, Step, StepName
from dockmesh.facts.types import HostFacts
from dockmesh.model.network import DOCKER_BRIDGE, FABRIC_BRIDGE
from dockmesh.render import wireguard
from dockmesh.render.types import HostConfig


class Restart(Enum):
    """Whether Docker may be restarted where it must."""

    NOW = "now"
    DEFERRED = "later"
    # With it waits what hangs on the addresses that a host of the mesh keeps until then, on all hosts.
    ADDRESSES_DEFERRED = "later, and new addresses with it"


# They say nothing of addresses.
WITHOUT_ADDRESSES = (StepName.UPGRADE, StepName.SWITCH, StepName.INSTALL)


def keeps_addresses(config: HostConfig, facts: HostFacts) -> bool:
    """Whether the host is in the mesh, and has other addresses there than it is to have, until Docker restarts.

    Where encryption comes or goes these are the addresses of its tunnels, with an MTU that containers must know.
    """
    fabric, running = facts.link(FABRIC_BRIDGE), facts.docker
    if fabric is None or fabric.master != DOCKER_BRIDGE or running is None:
        return False
    return bool(running.unlike(config.docker0.address, config.docker0.pool)) or _encryption_changes(config, facts)


def _encryption_changes(config: HostConfig, facts: HostFacts) -> bool:
    mtu = facts.docker.mtu if facts.docker else None
    return config.encrypted != (facts.file(wireguard.SETTINGS) is not None) and mtu != config.docker0.mtu


def without_restart(diff: HostDiff, facts: HostFacts, restart: Restart) -> HostDiff:
    """Docker's file is written, and read at its next start, whoever causes it. br0 stays where it is until then.

    A host that is not in the mesh stays out of it. Where one that is in it keeps addresses that the plan does not
    give it, nothing of the mesh changes on any host: flows of two plans have no way to each other.
    """
    if restart is Restart.NOW:
        return diff
    diff = _without_upgrade(diff)
    if restart is Restart.ADDRESSES_DEFERRED:
        return _deferred(diff, [step for step in diff.steps if step.name in WITHOUT_ADDRESSES])
    docker = diff.step(StepName.DOCKER)
    if docker is None or not docker.restart:
        return diff
    if any(change.subject == RESTART_FOR_NAMES and change.disturbs for change in docker.changes):
        # The resolver goes: as long as Docker's containers ask it, it stays, and Docker's file with it.
        deferred = (StepName.DOCKER, StepName.FILES)
        waiting = tuple(change for step in diff.steps if step.name in deferred for change in step.changes)
        steps = tuple(step for step in diff.steps if step.name not in deferred)
        return replace(diff, steps=steps, deferred=(*diff.deferred, *waiting))
    if RESTART_FOR_IPV6 in docker.subjects:
        diff = _without_ipv6(diff, docker)
    fabric = facts.link(FABRIC_BRIDGE)
    moves = RESTART in docker.subjects
    attached = fabric is not None and fabric.master == DOCKER_BRIDGE
    recreated = any(change.subject == FABRIC for change in diff.changes)
    kept = (_kept(step, moves=moves, cut=moves and attached and recreated) for step in diff.steps)
    return _deferred(diff, [step for step in kept if step is not None])


def _deferred(diff: HostDiff, kept: list[Step]) -> HostDiff:
    """Only these steps; what the others would have changed is deferred."""
    made = [change for step in kept for change in step.changes]
    waiting = (
        change
        for step in diff.steps
        for change in step.changes
        if change not in made and step.name is not StepName.DETACH
    )
    return replace(diff, steps=tuple(kept), deferred=(*diff.deferred, *waiting))


def _without_ipv6(diff: HostDiff, docker: Step) -> HostDiff:
    """No network comes with IPv6 before Docker keeps it apart; and Docker's rules stay until it can leave them."""
    goes = any(change.subject == RESTART_FOR_IPV6 and change.expected == NO_RULES for change in docker.changes)
    deferred = (StepName.DOCKER,) if goes else (StepName.LEAVE, StepName.NETWORKS)
    waiting = tuple(change for step in diff.steps if step.name in deferred for change in step.changes)
    return replace(
        diff, steps=tuple(step for step in diff.steps if step.name not in deferred), deferred=(*diff.deferred, *waiting)
    )


def _without_upgrade(diff: HostDiff) -> HostDiff:
    """Docker's own packages restart it; those of Open vSwitch alone do not."""
    upgrade = diff.step(StepName.UPGRADE)
    if upgrade is None or not any(change.disturbs for change in upgrade.changes):
        return diff
    steps = tuple(step for step in diff.steps if step is not upgrade)
    return replace(diff, steps=steps, deferred=(*diff.deferred, *upgrade.changes))


def _kept(step: Step, *, moves: bool, cut: bool) -> Step | None:
    """`cut`: the fabric's bridge would be recreated, and be out of docker0 then."""
    match step.name:
        case StepName.DETACH | StepName.ATTACH if moves:
            return None
        case StepName.FABRIC | StepName.QUIESCE | StepName.NETWORKS if cut:
            return None
        case StepName.DOCKER:
            changes = tuple(
                change
                for change in step.changes
                if change.subject not in (RESTART, RESTART_FOR_NAMES, RESTART_FOR_IPV6, RESTART_FOR_KEYS)
            )
            return replace(step, changes=changes, restart=()) if changes else None
        case _:
            return step
