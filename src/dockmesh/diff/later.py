"""What of a host's changes can be made without a restart of Docker: pure."""

from dataclasses import replace

from dockmesh.diff.docker import NO_RULES, RESTART, RESTART_FOR_IPV6, RESTART_FOR_NAMES
from dockmesh.diff.flows import INSTALL, SUBJECT
from dockmesh.diff.types import HostDiff, Step, StepName
from dockmesh.facts.types import HostFacts
from dockmesh.model import DOCKER_BRIDGE, FABRIC_BRIDGE
from dockmesh.remote.seam import Put
from dockmesh.render.host import FLOWS


def without_restart(diff: HostDiff, facts: HostFacts) -> HostDiff:
    """Docker's file is written, and read at its next start, whoever causes it. br0 stays where it is until then.

    So a host that is in the mesh stays in it with the addresses that it has, and one that is not stays out of it.
    """
    diff = _without_upgrade(diff)
    docker = diff.step(StepName.DOCKER)
    if docker is None or not docker.restart:
        return diff
    if any(change.subject == RESTART_FOR_NAMES and change.disturbs for change in docker.changes):
        # The resolver goes: as long as Docker's containers ask it, it stays, and Docker's file with it.
        later = (StepName.DOCKER, StepName.FILES)
        left = tuple(change for step in diff.steps if step.name in later for change in step.changes)
        steps = tuple(step for step in diff.steps if step.name not in later)
        return replace(diff, steps=steps, left=(*diff.left, *left))
    if any(change.subject == RESTART_FOR_IPV6 for change in docker.changes):
        diff = _without_ipv6(diff, docker)
    fabric = facts.link(FABRIC_BRIDGE)
    moves = any(change.subject == RESTART for change in docker.changes)
    attached = fabric is not None and fabric.master == DOCKER_BRIDGE
    anew = any(change.subject == f"bridge {FABRIC_BRIDGE}" for change in diff.changes)
    bridge = facts.bridge(FABRIC_BRIDGE)
    guarded = moves and attached and bridge is not None and (bridge.rstp or bridge.stp)
    kept = [
        step
        for step in (_kept(step, moves=moves, cut=moves and attached and anew, guarded=guarded) for step in diff.steps)
        if step is not None
    ]
    made = [change for step in kept for change in step.changes]
    return replace(
        diff,
        steps=tuple(kept),
        left=diff.left
        + tuple(
            change
            for step in diff.steps
            for change in step.changes
            if change not in made and step.name is not StepName.DETACH
        ),
    )


def _without_ipv6(diff: HostDiff, docker: Step) -> HostDiff:
    """No network comes with IPv6 before Docker keeps it apart; and Docker's rules stay until it can leave them."""
    goes = any(change.subject == RESTART_FOR_IPV6 and change.expected == NO_RULES for change in docker.changes)
    later = (StepName.DOCKER,) if goes else (StepName.LEAVE, StepName.NETWORKS)
    left = tuple(change for step in diff.steps if step.name in later for change in step.changes)
    return replace(diff, steps=tuple(step for step in diff.steps if step.name not in later), left=(*diff.left, *left))


def _without_upgrade(diff: HostDiff) -> HostDiff:
    """Docker's own packages restart it; those of Open vSwitch alone do not."""
    upgrade = diff.step(StepName.UPGRADE)
    if upgrade is None or not any(change.disturbs for change in upgrade.changes):
        return diff
    steps = tuple(step for step in diff.steps if step is not upgrade)
    return replace(diff, steps=steps, left=(*diff.left, *upgrade.changes))


def _kept(step: Step, *, moves: bool, cut: bool, guarded: bool) -> Step | None:
    """`cut`: the fabric's bridge would be made anew, and be out of docker0 then."""
    match step.name:
        case StepName.DETACH | StepName.ATTACH if moves:
            return None
        case StepName.FABRIC | StepName.APART | StepName.NETWORKS if cut:
            return None
        case StepName.FILES | StepName.FABRIC if guarded:
            return _without_guard(step)
        case StepName.DOCKER:
            changes = tuple(
                change
                for change in step.changes
                if change.subject not in (RESTART, RESTART_FOR_NAMES, RESTART_FOR_IPV6)
            )
            return replace(step, changes=changes, restart=()) if changes else None
        case _:
            return step


def _without_guard(step: Step) -> Step | None:
    """Its new flows would let nothing pass of containers that keep their addresses for now."""
    changes = tuple(change for change in step.changes if change.subject not in (FLOWS, SUBJECT))
    requests = tuple(
        request
        for request in step.requests
        if request != INSTALL and not (isinstance(request, Put) and request.path == FLOWS)
    )
    return replace(step, changes=changes, requests=requests) if changes else None
