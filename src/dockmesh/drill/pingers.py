"""The hosts of a drill, as far as they can be reached just now, and what their pingers say."""

import math
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from itertools import permutations
from pathlib import Path
from types import TracebackType
from typing import Self

from dockmesh.drill.types import Pair
from dockmesh.errors import DockmeshError
from dockmesh.pings.host import PingerUnit
from dockmesh.pings.log import Ping, PingLog
from dockmesh.plan.types import Plan
from dockmesh.transport.fanout import each, within
from dockmesh.transport.fleet import fleet
from dockmesh.transport.requests import Exec, Transport

ASKED_WITHIN_S, STARTED_WITHIN_S = 5.0, 20.0
CONNECT_TIMEOUT_S = 10
CLOCK_TRIES = 3
SHOWN = 60  # characters of what a clock says
LATE_MS = 1000  # an answer that comes later is none


class Pingers:
    def __init__(self, plan: Plan, ssh_config: Path | None, interval_ms: int):
        self.hosts: dict[str, Transport] = {}
        self._plan = plan
        self._ssh_config = ssh_config
        self._pinger = PingerUnit("dockmesh-drill-pings", life_s=600, interval_ms=interval_ms, nice=-5)
        self._logs: dict[str, list[PingLog]] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self.reach()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await each(tuple(self.hosts), {}, lambda name: within(self.hosts[name], ASKED_WITHIN_S, self._stop(name)))
        finally:
            await self._stack.aclose()

    async def reach(self) -> None:
        """Connect to whoever is not connected, and see that every host pings.

        Raises DockmeshError for the first that cannot be reached.
        """
        missing = [host for host in self._plan.hosts if host.name not in self.hosts]
        if not missing:
            return
        found = await self._stack.enter_async_context(fleet(missing, self._ssh_config, CONNECT_TIMEOUT_S))
        self.hosts |= found.opened
        gone = dict(found.failed)
        names = tuple(found.opened)
        await each(names, gone, lambda name: within(self.hosts[name], STARTED_WITHIN_S, self._start(name)))
        for name, error in gone.items():
            self.hosts.pop(name, None)
            raise error

    async def _start(self, name: str) -> None:
        host, logs = self.hosts[name], self._logs.setdefault(name, [])
        if logs and await self._pinger.read(host, logs[-1]):
            return  # only the connection was lost
        others = {other.name: str(other.address.ip) for other in self._plan.hosts if other.name != name}
        log = PingLog(tuple(others), self._pinger.interval_ms, await clock_ahead_s(host), LATE_MS)
        await self._pinger.start(host, others.values())
        logs.append(log)

    async def _stop(self, name: str) -> None:
        await self._pinger.stop(self.hosts[name])

    async def read(self) -> None:
        """What the pingers wrote. A host that does not answer is given up, until `reach`."""
        gone: dict[str, DockmeshError] = {}
        await each(tuple(self.hosts), gone, lambda name: within(self.hosts[name], ASKED_WITHIN_S, self._read(name)))
        self.forget(gone)

    async def _read(self, name: str) -> None:
        await self._pinger.read(self.hosts[name], self._logs[name][-1])

    def forget(self, names: Iterable[str]) -> None:
        """Their connections are of no use any more."""
        for name in names:
            self.hosts.pop(name, None)

    def silent(self) -> dict[Pair, float | None]:
        """For how many milliseconds each pair has had no answer; None: nobody is there to say so, or never one."""
        now = time.time()
        return {
            (source, target): self._logs[source][-1].silent_ms(target, now) if source in self.hosts else None
            for source, target in permutations([host.name for host in self._plan.hosts], 2)
        }

    def pings(self, start_s: float) -> dict[Pair, tuple[Ping, ...]]:
        """All since `start_s`, of all pingers that a host has had one after the other."""
        return {
            (source, target): tuple(ping for log in logs for ping in log.pings(target) if ping.sent_s >= start_s)
            for source, logs in self._logs.items()
            for target in logs[0].targets
        }


async def clock_ahead_s(host: Transport) -> float:
    """How far the host's clock is before ours: of some tries that with the shortest way.

    Raises ConnectError; ValueError for what is no time.
    """
    best_s, ahead_s = float("inf"), 0.0
    for _ in range(CLOCK_TRIES):
        began = time.time()
        (answer,) = await host.ask(Exec(("date", "+%s.%N")))
        took = time.time() - began
        if answer.ok and took < best_s:
            best_s, ahead_s = took, float(answer.out) - began - took / 2
            if not math.isfinite(ahead_s):
                raise ValueError(f"a clock that says {answer.out[:SHOWN]!a}")
    # Less than half of the way is no difference that can be seen.
    return ahead_s if abs(ahead_s) > best_s / 2 else 0.0
