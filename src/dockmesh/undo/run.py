"""Leave hosts as they were before dockmesh: all at once, each step by step.

There is no rollback from here: a host that rolled back to a mesh which others have left might join it with addresses
that are somebody else's by then. Each step leaves a host that harms nobody, and the next run goes on from there.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dockmesh.diff.host import FACT_PATHS
from dockmesh.diff.outcome import Outcome
from dockmesh.diff.packages import DOCKER
from dockmesh.diff.types import Change, Step, StepName
from dockmesh.errors import CommandError, DockmeshError, HostError
from dockmesh.facts.gather import Inquiry, gather, gather_docker
from dockmesh.facts.packages import DEPENDENCIES, read_dependencies
from dockmesh.facts.types import Container
from dockmesh.inspect.host import Inspection, config_of
from dockmesh.packages.apt import APT, APT_TIMEOUT_S
from dockmesh.plan.types import Plan
from dockmesh.record import initial_state
from dockmesh.record.back_unit import UNIT_FILE
from dockmesh.record.paths import IPV6, ORIGIN, RAN
from dockmesh.transport.demand import demand
from dockmesh.transport.fanout import all_of
from dockmesh.transport.progress import Progress
from dockmesh.transport.requests import Exec, Get, Transport
from dockmesh.transport.understand import understanding
from dockmesh.undo import ipv6
from dockmesh.undo.containers import JOURNAL, start_again
from dockmesh.undo.destroy import LEFTOVERS_THERE, Leftovers, in_the_way, read_ran
from dockmesh.undo.destroy import destroy as diff_destroy
from dockmesh.undo.docker_rules import RESTORES, SAVES, without_docker
from dockmesh.undo.removable import in_use, removable
from dockmesh.undo.restore_docker import settings_after, uses_file

AGAIN = "fix what it says, then run `dockmesh destroy` again: it goes on from there"
# With its settings Debian's docker.io would remove all images and volumes by this script, which it puts there when it
# is removed: they are people's work.
NUKE = "/var/lib/docker/nuke-graph-directory.sh"
NO_FORWARDING = "net.ipv4.ip_forward=0"
PATHS = (*FACT_PATHS, ORIGIN, RAN, IPV6, UNIT_FILE)


@dataclass(frozen=True, slots=True)
class DestroyPlan:
    """What must be undone on a host, and which packages of ours stay, with the reason; and what forbids it now."""

    inspection: Inspection
    leftovers: Leftovers
    kept: Mapping[str, str] = field(default_factory=dict)
    refused: DockmeshError | None = None


DestroyPlans = Mapping[str, DestroyPlan | DockmeshError]


async def inspect_all(plan: Plan, hosts: Mapping[str, Transport], *, packages: bool) -> DestroyPlans:
    """All hosts together; one host's error is its own."""
    return await all_of({name: inspect_host(plan, host, packages=packages) for name, host in hosts.items()})


def permitted(plans: DestroyPlans) -> DestroyPlans:
    """To be carried out, and not only shown: a host where that is refused has that error."""
    return {
        name: found.refused if isinstance(found, DestroyPlan) and found.refused else found
        for name, found in plans.items()
    }


async def inspect_host(plan: Plan, transport: Transport, *, packages: bool) -> DestroyPlan:
    """`packages`: what we installed shall go, too.

    Raises ConflictError, HostError and ConnectError.
    """
    facts = await gather(transport, Inquiry(PATHS))
    there, dependencies = await transport.ask(Exec(LEFTOVERS_THERE), Exec(DEPENDENCIES), together=True)
    made = initial_state.of(facts)
    ours = made.packages if made is not None and packages else ()
    used = in_use(ours, facts)
    known = read_dependencies(dependencies.out) if dependencies.ok else ()
    gone = removable(ours, used, known) if ours else ()
    leftovers = Leftovers(made, frozenset(there.out.split()), gone, read_ran(facts.file(RAN)))
    config = config_of(plan, facts)
    return DestroyPlan(
        Inspection(config, facts, diff_destroy(config, facts, leftovers)), leftovers, used, in_the_way(config, facts)
    )


async def destroy(hosts: Mapping[str, Transport], plans: DestroyPlans, progress: Progress) -> tuple[Outcome, ...]:
    """An Outcome for each host; one that could not be looked at, or where it is refused, is not changed."""
    restarting = asyncio.Lock()
    plans = permitted(plans)
    host_runs = {
        name: _HostRun(hosts[name], found, progress, restarting)
        for name, found in plans.items()
        if isinstance(found, DestroyPlan) and found.inspection.diff.steps
    }
    results = await all_of({name: host_run.take() for name, host_run in host_runs.items()})
    errors = {name: found for name, found in plans.items() if isinstance(found, DockmeshError)}
    outcomes = [Outcome(name, error=error) for name, error in errors.items()]
    for name, result in results.items():
        if result is not None:
            progress.failed(name, result.report.what)
        outcomes.append(Outcome(name, tuple(host_runs[name].done), result))
    return tuple(outcomes)


@dataclass
class _HostRun:
    """One host's way through the steps. `done` is what was undone."""

    host: Transport
    destroy_plan: DestroyPlan
    progress: Progress
    restarting: asyncio.Lock  # one host's containers after another's
    done: list[Change] = field(default_factory=list)

    async def take(self) -> None:
        """Raises HostError."""
        for step in self.destroy_plan.inspection.diff.steps:
            self.progress.step(self.host.name, step.name)
            try:
                with understanding(self.host.name):
                    await self._carry(step)
            except HostError as error:
                report = error.report
                error.report = replace(report, step=step.name, now=report.now or self._now(), do=report.do or AGAIN)
                raise
            self.done += step.changes
        self.progress.done(self.host.name, "as before the first apply")

    def _now(self) -> str:
        return f"{len(self.done)} changes are made, the rest is as it was" if self.done else "nothing was changed"

    async def _carry(self, step: Step) -> None:
        match step.name:
            case StepName.RESTORE_DOCKER:
                if any(change.disturbs for change in step.changes):
                    self.progress.step(self.host.name, "wait for the restart of Docker on another host")
                    async with self.restarting:
                        self.progress.step(self.host.name, step.name)
                        await self._restore_docker(step)
                else:
                    await self._restore_docker(step)
            case StepName.PURGE:
                if set(DOCKER) & {*step.packages}:
                    await self._before_docker_goes()
                await purge(self.host, step.packages)
            case _:
                await demand(self.host, f"could not {step.name}", *step.requests)

    async def _restore_docker(self, step: Step) -> None:
        await demand(self.host, f"could not {step.name}", *step.requests)
        facts = self.destroy_plan.inspection.facts
        before = facts.docker.containers if facts.docker else ()
        if step.restart:
            try:
                await demand(self.host, "could not restart Docker without the mesh", *step.restart)
            except CommandError as error:
                journal = (await self.host.ask(JOURNAL))[0].out.strip()
                report = error.report
                error.report = replace(report, answered=f"{report.answered}\n{journal}".strip())
                raise
            await self._compare()
        after = settings_after(self.host.name, facts, self.destroy_plan.leftovers.initial)
        await ipv6.forget_at_last(self.host, facts, after)
        others = [
            each for each in self.destroy_plan.leftovers.ran if each not in {container.id for container in before}
        ]
        if step.restart or others:
            await start_again(self.host, (*before, *(Container(each, each, None) for each in others)))

    async def _before_docker_goes(self) -> None:
        """Its rules, while there is somebody to take them away; Docker itself was stopped before.

        Raises CommandError and ConnectError.
        """
        before = self.destroy_plan.leftovers.initial
        if before is not None and before.bridge_nf is not None:
            await self._restore_bridge_nf(before.bridge_nf)
        forwarded = before is None or before.forwarded
        if not forwarded:
            # Before the policy that keeps the host from being a router for everybody.
            (switched_off,) = await self.host.ask(Exec(("sysctl", "-q", "-w", NO_FORWARDING)))
            forwarded = not switched_off.ok
        saved = await self.host.ask(*map(Exec, SAVES), together=True)
        for answer, restore in zip(saved, RESTORES, strict=True):
            script = without_docker(answer.out, forwarded=forwarded) if answer.ok else ""
            if script:
                await demand(self.host, "could not remove Docker's rules", Exec(restore, stdin=script))

    async def _restore_bridge_nf(self, before: Mapping[str, str]) -> None:
        """Where the module was not loaded no frame of a bridge met the firewall, and that is the value 0.

        To take the module itself away is not ours: somebody may rely on it by now.
        """
        now = await self.host.ask(*map(Get, map(initial_state.file_of, initial_state.BRIDGE_NF)), together=True)
        wanted = {setting: before.get(setting, "0") for setting in initial_state.BRIDGE_NF}
        changed = [
            f"{setting}={wanted[setting]}"
            for setting, answer in zip(initial_state.BRIDGE_NF, now, strict=True)
            if answer.ok and answer.out.strip() != wanted[setting]
        ]
        if changed:
            await demand(self.host, "could not restore what bridges do", Exec(("sysctl", "-q", "-w", *changed)))

    async def _compare(self) -> None:
        inspection = self.destroy_plan.inspection
        after = await gather_docker(self.host)
        if after is None or not uses_file(
            after, settings_after(self.host.name, inspection.facts, self.destroy_plan.leftovers.initial)
        ):
            raise CommandError(
                "Docker took other settings than daemon.json says",
                host=self.host.name,
                answered="it does not answer" if after is None else f"it uses {after.gateway}, pool {after.pool}",
                do="look for flags that override it, in /etc/default/docker and in `systemctl cat docker.service`",
            )


async def purge(host: Transport, names: tuple[str, ...]) -> None:
    """Remove these packages with their settings, and no other; what Docker holds of people's stays on the disk.

    Raises CommandError and ConnectError.
    """
    apt = (*APT, "--option", "APT::Get::AutomaticRemove=false")
    configure = Exec(("dpkg", "--configure", "--pending"), timeout_s=APT_TIMEOUT_S)
    simulation = Exec((*apt, "--simulate", "purge", *names), timeout_s=APT_TIMEOUT_S)
    _, simulated = await demand(host, "could not remove packages", configure, simulation)
    lines = (line.split() for line in simulated.out.splitlines())
    gone = {words[1].partition(":")[0] for words in lines if len(words) > 1 and words[0] in ("Purg", "Remv")}
    if others := sorted(gone - {*names}):
        raise CommandError(
            f"apt would remove {', '.join(others)} as well, which dockmesh did not install",
            host=host.name,
            ran=str(simulation),
            now="the mesh is gone from this host; its packages are there",
            do="run the command again without --packages, and remove by hand what is not needed",
        )
    await demand(
        host,
        "could not remove packages",
        Exec((*apt, "remove", *names), timeout_s=APT_TIMEOUT_S),
        Exec(("rm", "--force", NUKE)),
        Exec((*apt, "purge", *names), timeout_s=APT_TIMEOUT_S),
    )
