"""Upgrades of carried packages, one host after another: Open vSwitch and Docker restart with them.

The next host waits until the tunnels of the one before are up again and it answers over the mesh. Where that does not
come to be, the rest keep what they have.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from dockmesh.apply.inspection import Inspections, inspect_host
from dockmesh.apply.install import upgrade_carried
from dockmesh.apply.outage import Watch, watching
from dockmesh.diff.deferred import Restart
from dockmesh.diff.outcome import UpgradeOutage
from dockmesh.diff.packages import SAME_EVERYWHERE
from dockmesh.diff.types import Change, Step, StepName
from dockmesh.errors import DockmeshError, HostError
from dockmesh.facts.gather import Inquiry, gather, gather_packages
from dockmesh.facts.types import HostFacts
from dockmesh.inspect.host import Inspection
from dockmesh.model.network import DOCKER_BRIDGE, FABRIC_BRIDGE
from dockmesh.plan.types import Plan
from dockmesh.transport.progress import Progress
from dockmesh.transport.requests import Transport
from dockmesh.transport.understand import understanding
from dockmesh.undo import initial_state
from dockmesh.undo.containers import start_again

# A fabric of RSTP with BFD is back within seconds, one of STP needs up to 50 s (docs/explanation/spanning-tree.md).
BACK_S, POLL_S = 120, 0.2
# Who has to ask for its MAC address again and still hears the host after this time reaches it by broadcast, too. Seen
# with Open vSwitch 4.0.90, a development version: br0 got unicast again within 5 s, and broadcasts after 38 s.
PROOF_S = 1.0


@dataclass(frozen=True, slots=True)
class _Run:
    plan: Plan
    hosts: Mapping[str, Transport]
    inspections: Inspections
    progress: Progress


async def upgrade(
    plan: Plan,
    hosts: Mapping[str, Transport],
    inspections: Inspections,
    done: Mapping[str, list[Change]],
    progress: Progress,
    *,
    restart: Restart = Restart.NOW,
) -> tuple[Inspections, Mapping[str, tuple[UpgradeOutage, ...]]]:
    """Carry out the upgrade steps.

    The inspections as they are then, with an error for each host that has not what it should, and by host who was
    silent to whom while it changed.
    """
    after = dict(inspections)
    outages: dict[str, tuple[UpgradeOutage, ...]] = {}
    due = [
        (name, found, step)
        for name in done
        if isinstance(found := inspections[name], Inspection) and (step := found.diff.step(StepName.UPGRADE))
    ]
    failed: str | None = None
    for name, found, step in due:
        if failed is not None:
            after[name] = _not_begun(name, failed)
            continue
        try:
            with understanding(name):
                await initial_state.keep(hosts[name], found.facts, found.config.mesh)
                outages[name] = await _upgrade(_Run(plan, hosts, inspections, progress), found, step)
                done[name].extend(step.changes)
                after[name] = await inspect_host(plan, hosts[name], restart)
        except DockmeshError as error:
            versions = await _versions(hosts, [each for each, _, _ in due])
            now = f"{error.report.now}; {versions}" if error.report.now else versions
            error.report = replace(error.report, step=StepName.UPGRADE, now=now)
            failed, after[name] = name, error
    return after, outages


def _not_begun(name: str, failed: str) -> HostError:
    return HostError(
        f"was not upgraded, because {failed} failed before it",
        host=name,
        step=StepName.UPGRADE,
        now="nothing was changed on this host",
        do=f"put {failed} right, then run `dockmesh apply` again",
    )


async def _upgrade(run: _Run, found: Inspection, step: Step) -> tuple[UpgradeOutage, ...]:
    """Raises HostError and ConnectError."""
    host = run.hosts[found.config.host]
    others = {
        name: run.hosts[name]
        for name, other in run.inspections.items()
        if name != host.name and isinstance(other, Inspection) and _attached(other.facts)
    }
    if not others or not _attached(found.facts):
        await _install(host, found, step, run.progress)
        await _wait_until_back(host, found, None)
        return ()
    observer = next(iter(others.values()))
    watched = [name for name in (host.name, *others) if name != observer.name]
    addresses = {name: str(run.plan.host(name).address.ip) for name in watched}
    async with watching(observer, addresses) as watch:
        # Who is silent before is not waited for afterwards.
        answered = watch.alive(host.name)
        await _install(host, found, step, run.progress)
        await _wait_until_back(host, found, watch if answered else None)
    return tuple(
        UpgradeOutage(observer.name, other, round(each.longest_ms or 0), each.sent, each.answered, each.twice)
        for other, each in watch.heard.items()
    )


def _attached(facts: HostFacts) -> bool:
    fabric = facts.link(FABRIC_BRIDGE)
    return fabric is not None and fabric.master == DOCKER_BRIDGE


async def _install(host: Transport, found: Inspection, step: Step, progress: Progress) -> None:
    await upgrade_carried(host, step, progress)
    before = found.facts.docker
    if before and any(change.disturbs for change in step.changes):
        await start_again(host, before.containers)
    progress.step(host.name, "wait until it is back in the mesh")


async def _wait_until_back(host: Transport, found: Inspection, watch: Watch | None) -> None:
    """Raises HostError and ConnectError."""
    end = time.monotonic() + BACK_S
    before = _up(found.facts)
    asked_again: float | None = None
    while True:
        lacks = sorted(before - _up(await gather(host, Inquiry())))
        if watch and not lacks:
            await watch.read()
            if not watch.alive(host.name):
                lacks = [f"an answer to {watch.observer.name} over the mesh"]
            elif asked_again is None:
                asked_again = time.monotonic()
                await watch.forget(host.name)
        if not lacks and (asked_again is None or time.monotonic() > asked_again + PROOF_S):
            return
        if time.monotonic() > end:
            raise HostError(
                f"is not back {BACK_S} s after its upgrade",
                host=host.name,
                answered=f"not back yet: {', '.join(lacks)}",
                do="look at `journalctl -u ovs-vswitchd -u docker` there, and at `dockmesh verify`",
            )
        await asyncio.sleep(POLL_S)


def _up(facts: HostFacts) -> frozenset[str]:
    """What was up before an upgrade and must be so again: tunnels by BFD, br0 in docker0, Docker."""
    bridge = facts.bridge(FABRIC_BRIDGE)
    tunnels = [
        f"tunnel {interface.name}"
        for interface in (bridge.interfaces if bridge else ())
        if interface.bfd_status.get("state") == "up"
    ]
    attached = [f"{FABRIC_BRIDGE} in {DOCKER_BRIDGE}"] if _attached(facts) else []
    return frozenset([*tunnels, *attached, *(["Docker"] if facts.docker else [])])


async def _versions(hosts: Mapping[str, Transport], names: list[str]) -> str:
    """Which host has which version, for the one who has to go on from here."""
    told = []
    for name in names:
        try:
            with understanding(name):
                packages = await gather_packages(hosts[name])
        except HostError:
            packages = None
        installed = packages.installed if packages else {}
        known = [f"{each} {installed[each].version}" for each in SAME_EVERYWHERE if each in installed]
        told.append(f"{name} has {', '.join(known) or 'unknown versions'}")
    return "; ".join(told)
