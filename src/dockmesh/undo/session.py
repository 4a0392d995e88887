"""One run on many hosts: armed before the first write, then confirmed over new connections, or rolled back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from dockmesh.diff.deferred import Restart
from dockmesh.errors import ConnectError, DockmeshError, HostError
from dockmesh.inspect.host import Inspection
from dockmesh.record.back_unit import rollback_files
from dockmesh.record.paths import APPLIED
from dockmesh.record.run import CONFIRMED, Run, confirmed_line, read_ended
from dockmesh.transport.demand import demand
from dockmesh.transport.requests import Answer, Arm, Confirm, RollBack, Transport
from dockmesh.undo import initial_state, ipv6
from dockmesh.undo.rollback import rollback

NOT_ARMED = 3
AS_BEFORE = "it is as it was before this run"
KEPT = "this run is already confirmed there"
DO = "fix what it says, then run the same command again"


@dataclass
class Session:
    """`timeout_s`: a host that hears nothing of us for so long rolls back by itself.

    `stay_out` names the hosts that must not come back into the mesh then, for another one got their addresses;
    `held_back` by host its networks for which the same is true.
    """

    run: Run
    timeout_s: float = 60
    stay_out: frozenset[str] = frozenset()
    held_back: Mapping[str, frozenset[str]] = field(default_factory=dict)
    restart: Restart = Restart.NOW
    armed: dict[str, Transport] = field(default_factory=dict)  # to be confirmed, unless they fail
    ended: dict[str, str] = field(default_factory=dict)  # by host how it ended there: CONFIRMED, or what it is now
    lost: set[str] = field(default_factory=set)  # armed, failed, and out of reach: they roll back by themselves
    records: dict[str, str] = field(default_factory=dict)  # by host what it is to keep of the run
    restarting: asyncio.Lock = field(default_factory=asyncio.Lock)  # one host's containers after another's

    async def arm(self, host: Transport, inspection: Inspection) -> None:
        """Once a host and run, before anything is written.

        Raises CommandError, and ConnectError.
        """
        if host.name in self.armed:
            return
        await initial_state.keep(host, inspection.facts, inspection.config.mesh)
        await ipv6.remember(host, inspection.config)
        held_back = self.held_back.get(host.name, frozenset())
        stay_out = host.name in self.stay_out
        text = rollback(
            self.run, inspection.config, inspection.facts, inspection.diff, stay_out=stay_out, held_back=held_back
        )
        arm = Arm(text, rollback_files(), self.timeout_s)
        try:
            await demand(host, "could not prepare its rollback, so nothing was changed", arm, do=DO)
        except ConnectError as error:
            # Whether it heard of it nobody knows; a new connection may tell.
            self.lost.add(host.name)
            now = f"nothing was changed; if it is armed already, it rolls back by itself within {self.timeout_s:g} s"
            error.report = replace(error.report, now=f"{now}; {error.report.now}" if error.report.now else now)
            raise
        self.armed[host.name] = host

    async def roll_back(self, host: Transport) -> str | None:
        """The host as it is now, in words; None if it was not armed, so that nothing was changed."""
        if host.name not in self.armed:
            return None
        del self.armed[host.name]
        try:
            (answer,) = await host.ask(RollBack())
        except ConnectError:
            self.lost.add(host.name)
            self.ended[host.name] = now = (
                f"it rolls back by itself to what it was, {self.timeout_s:g} s after it last heard from here; "
                "the outcome is in `dockmesh history --host`"
            )
            return now
        self.ended[host.name] = now = told(answer, self.run)
        return now

    async def roll_all_back(self) -> dict[str, str]:
        """By host what it is now."""
        hosts = list(self.armed.values())
        states = await asyncio.gather(*(self.roll_back(host) for host in hosts))
        return {host.name: state for host, state in zip(hosts, states, strict=True) if state}

    async def confirm(
        self, fresh: Mapping[str, Transport], changes: Mapping[str, Iterable[str]]
    ) -> dict[str, DockmeshError]:
        """Keep what the run made on the armed hosts, over the connections `fresh`; by host what went wrong with it."""
        results = await asyncio.gather(
            *(self._confirm(fresh[name], tuple(changes.get(name, ()))) for name in self.armed if name in fresh)
        )
        errors = {error.report.host or "": error for error in results if error is not None}
        for name in [name for name in self.armed if name in fresh and name not in errors]:
            del self.armed[name]
            self.ended[name] = CONFIRMED
        return dict(errors)

    async def roll_lost_back(self, fresh: Mapping[str, Transport]) -> dict[str, str]:
        """Those that failed and can be reached again need not wait for their time-out; by host what it is now."""
        states: dict[str, str] = {}
        for name in sorted(self.lost & set(fresh)):
            with contextlib.suppress(ConnectError):
                (answer,) = await fresh[name].ask(RollBack())
                states[name] = told(answer, self.run)
        self.lost -= set(states)
        self.ended |= states
        return states

    async def _confirm(self, host: Transport, changes: tuple[str, ...]) -> DockmeshError | None:
        files = {APPLIED: self.records[host.name]} if host.name in self.records else {}
        try:
            (answer,) = await host.ask(Confirm(self.run.id, confirmed_line(self.run, changes), files))
        except ConnectError as error:
            return error
        if answer.ok:
            return None
        return HostError(
            "the changes could not be confirmed", host=host.name, answered=answer.err, now=told(answer), do=DO
        )


@contextlib.asynccontextmanager
async def kept_alive(hosts: Collection[Transport], every_s: float) -> AsyncIterator[None]:
    """While this lasts, these hosts hear from us, whatever else we wait for; the collection may grow meanwhile."""
    task = asyncio.create_task(_keep_alive(hosts, every_s))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _keep_alive(hosts: Collection[Transport], every_s: float) -> None:
    """Each for itself: one that hangs must not keep the others from hearing of us."""
    asking: dict[str, asyncio.Task[None]] = {}
    try:
        while True:
            await asyncio.sleep(every_s)
            for host in list(hosts):
                if host.name not in asking or asking[host.name].done():
                    asking[host.name] = asyncio.create_task(_be_heard(host))
    finally:
        for task in asking.values():
            task.cancel()


async def _be_heard(host: Transport) -> None:
    with contextlib.suppress(ConnectError):
        await host.ask()


def told(answer: Answer, run: Run | None = None) -> str:
    """What a host says after it was told to roll back `run`."""
    ended = read_ended(answer.out)
    if answer.code == NOT_ARMED and run and ended is not None and ended.kept and ended.run.id == run.id:
        return KEPT
    if answer.code not in (0, NOT_ARMED) and not answer.out:
        return f"its rollback failed: {answer.err}"
    if ended is not None and ended.failures:
        return "it rolled back, except for: " + "; ".join(ended.failures)
    return AS_BEFORE
