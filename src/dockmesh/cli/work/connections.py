"""Connections that outlast a host: one that is lost is tried again while the others are asked."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from dockmesh.errors import ConnectError, DockmeshError
from dockmesh.transport.fleet import fleet
from dockmesh.transport.ssh import SshHost
from dockmesh.transport.target import SshTarget

CONNECT_TIMEOUT_S = 5  # whoever looks wants to hear of the others, too


class Connections:
    def __init__(
        self, hosts: Sequence[SshTarget], ssh_config: Path | None, *, meanwhile: Awaitable[None] | None = None
    ) -> None:
        self.opened: dict[str, SshHost] = {}
        self.failed: dict[str, DockmeshError] = {}
        self._hosts = {host.name: host for host in hosts}
        self._ssh_config = ssh_config
        self._meanwhile = meanwhile
        self._stack = AsyncExitStack()
        self._trying: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        await self._reach(*self._hosts.values(), meanwhile=self._meanwhile)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._trying.values():
            task.cancel()
        await asyncio.gather(*self._trying.values(), return_exceptions=True)
        await self._stack.aclose()

    async def hang_up(self) -> None:
        """Nothing more is asked of anybody."""
        await asyncio.gather(*(host.hang_up() for host in self.opened.values()))

    async def mend(self, gone: Mapping[str, DockmeshError]) -> None:
        """Give up the hosts that are gone, and try them again in the background."""
        for name, error in gone.items():
            if (lost := self.opened.pop(name, None)) is not None:
                self.failed[name] = error
                if isinstance(error, ConnectError):
                    await lost.close()
            if name not in self._trying or self._trying[name].done():
                self._trying[name] = asyncio.create_task(self._reach(self._hosts[name]))

    async def _reach(self, *hosts: SshTarget, meanwhile: Awaitable[None] | None = None) -> None:
        connecting = fleet(hosts, self._ssh_config, CONNECT_TIMEOUT_S, meanwhile=meanwhile)
        found = await connecting.__aenter__()
        self._stack.push_async_exit(connecting)
        self.failed |= found.failed
        for name, host in found.opened.items():
            self.failed.pop(name, None)
            self.opened[name] = host
