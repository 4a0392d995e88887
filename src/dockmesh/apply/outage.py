"""How long hosts are silent while one of them changes: pings from another host, over the mesh."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from dockmesh.pings.host import PingerUnit
from dockmesh.pings.log import PingLog, PingStats
from dockmesh.transport.requests import Exec, Transport
from dockmesh.transport.understand import understanding

PINGER = PingerUnit("dockmesh-gap", life_s=3600, interval_ms=20)
# Younger than this is an answer of now.
FRESH_MS = 500
BASELINE_S, POLL_S = 3.0, 0.2


@dataclass(slots=True)
class Watch:
    """A host that pings others; `addresses` by their names in the mesh, `heard` is what it said last."""

    observer: Transport
    addresses: Mapping[str, str]
    log: PingLog = field(init=False)
    heard: dict[str, PingStats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.log = PingLog(tuple(self.addresses), PINGER.interval_ms)

    async def read(self) -> None:
        """Raises ConnectError, and HostError for what is no answer."""
        with understanding(self.observer.name):
            await PINGER.read(self.observer, self.log)
            self.heard = {name: self.log.stats(name) for name in self.addresses}

    def alive(self, name: str) -> bool:
        """Whether it answered just now, as far as has been read."""
        silent_ms = self.heard[name].silent_ms if name in self.heard else None
        return silent_ms is not None and silent_ms < FRESH_MS

    async def forget(self, name: str) -> None:
        """Let the observer ask for the MAC address again: that broadcast must arrive, too. Raises ConnectError."""
        await self.observer.ask(Exec(("ip", "neighbour", "flush", "to", self.addresses[name])))


@asynccontextmanager
async def watching(observer: Transport, addresses: Mapping[str, str]) -> AsyncIterator[Watch]:
    """Ping these addresses, by name, from `observer` until the end of the block.

    Begins when all have answered, or after a moment: who does not answer then was silent before.
    Raises ConnectError, and CommandError where no pings can be started.
    """
    watch = Watch(observer, addresses)
    await PINGER.start(observer, addresses.values())
    try:
        for _ in range(int(BASELINE_S / POLL_S)):
            await watch.read()
            if all(map(watch.alive, addresses)):
                break
            await asyncio.sleep(POLL_S)
        yield watch
        await watch.read()
    finally:
        await PINGER.stop(observer)
