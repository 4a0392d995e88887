"""All hosts of a mesh at once: those that let us in, and why the others did not."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dockmesh.errors import DockmeshError
from dockmesh.transport.fanout import all_of
from dockmesh.transport.resolve import resolves
from dockmesh.transport.ssh import CONNECT_TIMEOUT_S, SshHost, connect, ssh_config
from dockmesh.transport.target import SshTarget, found_at

FILES_OF_OURS, FILES_A_HOST = 128, 8
SOON_S = 0.05  # within which a resolver that is near has answered


@dataclass(frozen=True, slots=True)
class Fleet:
    opened: Mapping[str, SshHost]
    failed: Mapping[str, DockmeshError]
    config: Path  # what they were reached by, for as long as they are open

    async def hang_up(self) -> None:
        await asyncio.gather(*(host.hang_up() for host in self.opened.values()))


def _allow_files(hosts: int) -> None:
    """A connection holds three pipes and a process; the usual 1024 files end between 200 and 300 hosts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_OF_OURS + hosts * FILES_A_HOST
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


@contextlib.asynccontextmanager
async def fleet(
    hosts: Sequence[SshTarget],
    chosen: Path | None,
    connect_timeout_s: int = CONNECT_TIMEOUT_S,
    *,
    fresh: bool = False,
    meanwhile: Awaitable[None] | None = None,
) -> AsyncIterator[Fleet]:
    """Connect to all hosts together, and close all connections at the end. `chosen` is `--ssh-config`.

    `fresh`: by connections of their own, even where an open one could be shared. `meanwhile` is awaited while ssh logs
    in, or while a resolver keeps us waiting.
    """
    opened: dict[str, SshHost] = {}
    _allow_files(len(hosts))
    # A name that the resolver knows needs no help of ours: `ssh NAME` works by itself.
    helped = [host for host in hosts if found_at(host) and not host.ssh.host]
    looking_up = asyncio.gather(*(resolves(host.name) for host in helped))
    await asyncio.wait((looking_up,), timeout=SOON_S)
    loading = asyncio.ensure_future(meanwhile) if meanwhile is not None and not looking_up.done() else meanwhile
    known = await looking_up
    helped = [host for host, by_name in zip(helped, known, strict=True) if not by_name]
    with ssh_config(helped, chosen) as config:

        async def one(host: SshTarget) -> None:
            opened[host.name] = await connect(
                host, config, connect_timeout_s, fresh=fresh, chosen=chosen, helped=host in helped
            )

        connecting = asyncio.ensure_future(all_of({host.name: one(host) for host in hosts}))
        try:
            if loading is not None:
                await loading
            failed = {name: error for name, error in (await connecting).items() if error is not None}
            yield Fleet({host.name: opened[host.name] for host in hosts if host.name in opened}, failed, config)
        finally:
            connecting.cancel()
            await asyncio.gather(*(host.close() for host in opened.values()))
