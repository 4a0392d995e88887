"""The only writer: all hosts at once, each step by step, none harmed by another's failure.

Each host, locked and read by now: start Open vSwitch, install, take apart networks that go. If addresses of one go to
another, take br0 out of docker0 where Docker will change. Then all wait for all. Then br0 out, Docker, files, fabric,
networks, and br0 back in; host after host where containers are disturbed. So at no moment does anybody reach two
owners of one address, wherever it stops. Before its first write a host is given its rollback; one that fails takes it.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dockmesh.apply import docker, record
from dockmesh.apply.address_conflicts import read_owners, refuse_second_owner
from dockmesh.apply.all_or_none import AllOrNone
from dockmesh.apply.inspection import inspect_host
from dockmesh.apply.install import install, what_installs
from dockmesh.apply.upgrade import upgrade
from dockmesh.diff.outcome import Outcome
from dockmesh.diff.packages import DOCKER
from dockmesh.diff.types import Change, Step, StepName
from dockmesh.errors import DatapathError, DockmeshError, HostError, RolledBackError
from dockmesh.facts.types import Docker
from dockmesh.inspect.host import Inspection
from dockmesh.plan.types import Plan
from dockmesh.transport.demand import demand
from dockmesh.transport.fanout import all_of
from dockmesh.transport.progress import Progress
from dockmesh.transport.requests import Begin, Request, Transport
from dockmesh.transport.understand import understanding
from dockmesh.undo import initial_state
from dockmesh.undo.session import Session

AFTER_BARRIER = (StepName.DOCKER, StepName.KEYS, StepName.FILES, StepName.FABRIC, StepName.NETWORKS, StepName.ATTACH)
SETTLE_S, POLL_S = 10, 0.2
LET_GO_S = 1.0
let_go = asyncio.sleep
AGAIN = "fix what it says, then run `dockmesh apply` again"


async def apply(
    plan: Plan, hosts: Mapping[str, Transport], found: AllOrNone, session: Session, progress: Progress
) -> tuple[Outcome, ...]:
    """Make the plan real on these hosts; an Outcome for each, in the order of the plan.

    `found` is of `look_at_all` under `lock_all`, for the same hosts; one that could not be looked at is not changed.
    What was changed waits to be confirmed; a host that failed is back at what it was, or on its way there by itself.
    """
    names = [host.name for host in plan.hosts if host.name in hosts]
    host_runs = {name: _HostRun(plan, hosts[name], session, progress) for name in names}
    done = {name: host_run.done for name, host_run in host_runs.items()}
    inspections, outages = await upgrade(plan, hosts, found, done, progress, restart=session.restart)
    prepared = await all_of({name: host_runs[name].prepare(inspections[name]) for name in names})
    ready = {name: found for name, found in prepared.items() if not isinstance(found, DockmeshError)}
    if len(ready) < len(prepared) and any(StepName.QUIESCE in host_run.taken for host_run in host_runs.values()):
        # One that was lost may have its tunnels still. By then it has seen that nobody is at their other ends.
        bfd = plan.fabric.bfd
        await let_go(bfd.interval_ms * bfd.multiplier / 1000 + LET_GO_S)
    # Whose Docker is not restarted keeps what it has, too.
    left_out = [hosts[name] for name in names if name not in ready or ready[name].diff.deferred]
    # Who was taken out of docker0 by this run stays out of it, or goes back to it later and is refused then.
    before = {
        name: found.facts
        for name, found in inspections.items()
        if isinstance(found, Inspection) and StepName.DETACH not in host_runs[name].taken
    }
    owners = await read_owners(left_out, before)
    finished = await all_of({name: host_runs[name].finish(found, owners) for name, found in ready.items()})
    outcomes = []
    for name, result in {**prepared, **finished}.items():
        error = result if isinstance(result, DockmeshError) else None
        if error:
            progress.failed(name, error.report.what)
        outcomes.append(Outcome(name, tuple(host_runs[name].done), error, outages.get(name, ())))
    return tuple(outcomes)


@dataclass
class _HostRun:
    """One host's way through the steps. `done` is what was changed and is there still."""

    plan: Plan
    host: Transport
    session: Session
    progress: Progress
    done: list[Change] = field(default_factory=list)
    step: StepName | None = None
    taken: set[StepName] = field(default_factory=set)

    async def prepare(self, found: Inspection | DockmeshError) -> Inspection:
        """Up to where all wait for all."""
        if isinstance(found, DockmeshError):
            raise found
        try:
            with understanding(self.host.name):
                return await self._prepare(found)
        except HostError as error:
            raise await self._failed(error) from error

    async def finish(self, found: Inspection, owners: Mapping[str, Docker]) -> Inspection:
        try:
            with understanding(self.host.name):
                return await self._finish(found, owners)
        except HostError as error:
            raise await self._failed(error) from error

    async def _prepare(self, found: Inspection) -> Inspection:
        if step := found.diff.step(StepName.SWITCH):
            self._at(step)
            await initial_state.keep(self.host, found.facts, found.config.mesh)
            await demand(self.host, "could not start Open vSwitch", *step.requests)
            self.done += step.changes
            found = await self._inspect_when_settled()
        if step := found.diff.step(StepName.INSTALL):
            self._at(step, what_installs(step))
            await self._carry(found, "could not begin", step.name)
            await install(self.host, found, step, self.progress)
            # Docker's settings are written before Docker comes, so that is done with it.
            settings = found.diff.step(StepName.DOCKER) if set(DOCKER) & set(step.installs) else None
            self.done += [*step.changes, *(settings.changes if settings else ())]
            found = await self._inspect_when_settled()
        for name in (StepName.QUIESCE, StepName.LEAVE):
            if step := found.diff.step(name):
                self._at(step)
                await self._carry(found, f"could not {step.name}", step.name, *step.requests)
                self.taken.add(step.name)
                self.done += step.changes
        if self.session.stay_out:  # somebody's addresses go to another: nobody may be in the mesh with old ones
            await self._detach(found)
        return found

    async def _detach(self, found: Inspection) -> None:
        if (step := found.diff.step(StepName.DETACH)) and StepName.DETACH not in self.taken:
            self._at(step)
            await self._carry(found, "could not take br0 out of docker0", step.name, *step.requests)
            self.taken.add(step.name)
            self.done += step.changes

    async def _finish(self, found: Inspection, owners: Mapping[str, Docker]) -> Inspection:
        docker_step = found.diff.step(StepName.DOCKER)
        if docker_step and any(change.disturbs for change in docker_step.changes):
            # One host's containers after another's: who has theirs on two hosts has one of them at any moment.
            self.progress.step(self.host.name, "wait for the restart of Docker on another host")
            async with self.session.restarting:
                await self._carry_all(found, owners)
        else:
            await self._carry_all(found, owners)
        await self._record(found)
        self.progress.done(self.host.name, _summary(self.done))
        return found

    async def _carry_all(self, found: Inspection, owners: Mapping[str, Docker]) -> None:
        await self._detach(found)
        for name in AFTER_BARRIER:
            if name is StepName.NETWORKS and found.facts.docker is None:
                # Now it runs, and says which networks it had all the time.
                found = await inspect_host(self.plan, self.host, self.session.restart)
            if (step := found.diff.step(name)) is None:
                continue
            self._at(step)
            if name in (StepName.DOCKER, StepName.ATTACH, StepName.NETWORKS):
                refuse_second_owner(found, owners)
            if name is StepName.DOCKER:
                await self.session.arm(self.host, found)
                await docker.configure(self.host, found, step)
            else:
                await self._carry(found, f"could not {name}", name, *step.requests)
            self.done += step.changes

    async def _record(self, found: Inspection) -> None:
        if found.diff.deferred or (text := record.text_of(found, self.session.run.id)) is None:
            return
        if self.host.name in self.session.armed:
            self.session.records[self.host.name] = text  # it goes with the word that the run stays
        else:
            await record.write(self.host, text)

    async def _carry(self, found: Inspection, what: str, step: StepName, *requests: Request) -> None:
        await self.session.arm(self.host, found)
        await demand(self.host, what, Begin(step), *requests)

    def _at(self, step: Step, text: str | None = None) -> None:
        self.step = step.name
        self.progress.step(self.host.name, text or step.name)

    async def _inspect_when_settled(self) -> Inspection:
        """What waits for a fresh Open vSwitch to move the underlay into a bridge of its may need a moment."""
        deadline = time.monotonic() + SETTLE_S
        while True:
            try:
                return await inspect_host(self.plan, self.host, self.session.restart)
            except DatapathError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(POLL_S)

    async def _failed(self, error: HostError) -> HostError:
        """The host rolls back; the error says where it failed and what the host is now."""
        now = await self.session.roll_back(self.host)
        if now is not None or isinstance(error, RolledBackError):
            self.done.clear()
        report = error.report
        error.report = replace(report, step=self.step, now=now or report.now, do=report.do or AGAIN)
        return error


def _summary(done: list[Change]) -> str:
    if not done:
        return "nothing to change"
    return f"{len(done)} changes" if len(done) > 1 else "1 change"
