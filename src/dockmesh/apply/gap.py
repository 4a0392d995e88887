"""How long hosts are silent while one of them changes: pings from another host, over the mesh."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files

from dockmesh.remote.seam import Get, Put, Remove, Run, Transport
from dockmesh.remote.understand import understanding
from dockmesh.typed import of_its_type

UNIT = "dockmesh-gap.service"
FILE, PROGRAM = "/run/dockmesh-gap.json", "/run/dockmesh-gap.py"
# The agent writes five times a second and pings fifty times: younger than this is an answer of now.
FRESH_MS = 500
BASELINE_S, POLL_S = 3.0, 0.2


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of one host: the longest silence, and the one since the last answer (None: there was none)."""

    sent: int
    answered: int
    twice: int
    longest_ms: int
    silent_ms: int | None

    @property
    def alive(self) -> bool:
        return self.silent_ms is not None and self.silent_ms < FRESH_MS


@dataclass(slots=True)
class Watch:
    """A host that pings others, by their names in the mesh; `heard` is what it said last."""

    observer: Transport
    names: Mapping[str, str]  # by address
    heard: dict[str, Heard] = field(default_factory=dict)

    async def read(self) -> dict[str, Heard]:
        """Raises ConnectError, and HostError for what is no answer."""
        (answer,) = await self.observer.ask(Get(FILE))
        if answer.ok:
            with understanding(self.observer.name):
                told = json.loads(answer.out)
                self.heard = {self.names[each.pop("address")]: of_its_type(Heard(**each)) for each in told}
        return self.heard

    async def forget(self, name: str) -> None:
        """Let the observer ask for the MAC address anew: that broadcast must arrive, too. Raises ConnectError."""
        (address,) = (address for address, each in self.names.items() if each == name)
        await self.observer.ask(Run(("ip", "neighbour", "flush", "to", address)))


@asynccontextmanager
async def watching(observer: Transport, addresses: Mapping[str, str]) -> AsyncIterator[Watch]:
    """Ping these addresses, by name, from `observer` until the end of the block.

    Begins when all have answered, or after a moment: who does not answer then was silent before.
    Raises ConnectError.
    """
    source = files("dockmesh.agent").joinpath("gap.py").read_text(encoding="utf-8")
    start = (
        *("systemd-run", "--quiet", "--collect", f"--unit={UNIT}"),
        *("python3", PROGRAM, FILE, *addresses.values()),
    )
    watch = Watch(observer, {address: name for name, address in addresses.items()})
    await observer.ask(Run(("systemctl", "stop", UNIT)), Remove(FILE), Put(PROGRAM, source, 0o600), Run(start))
    try:
        for _ in range(int(BASELINE_S / POLL_S)):
            heard = await watch.read()
            if heard and all(each.alive for each in heard.values()):
                break
            await asyncio.sleep(POLL_S)
        yield watch
        await observer.ask(Run(("systemctl", "stop", UNIT)))
        await watch.read()
    finally:
        await observer.ask(Run(("systemctl", "stop", UNIT)), Remove(FILE), Remove(PROGRAM))
