"""All hosts of a mesh at once: those that let us in, and why the others did not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dockmesh.errors import DockmeshError
from dockmesh.remote.ssh import SshHost, Target, connect, ssh_config


@dataclass(frozen=True, slots=True)
class Fleet:
    opened: Mapping[str, SshHost]
    failed: Mapping[str, DockmeshError]


@contextlib.asynccontextmanager
async def fleet(hosts: Sequence[Target], chosen: Path | None) -> AsyncIterator[Fleet]:
    """Connect to all hosts together, and close all connections at the end. `chosen` is `--ssh-config`."""
    opened: dict[str, SshHost] = {}
    with ssh_config(hosts, chosen) as config:
        results = await asyncio.gather(*(connect(host, config) for host in hosts), return_exceptions=True)
    failed: dict[str, DockmeshError] = {}
    bugs: list[BaseException] = []
    for host, result in zip(hosts, results, strict=True):
        match result:
            case SshHost():
                opened[host.name] = result
            case DockmeshError():
                failed[host.name] = result
            case _:
                bugs.append(result)
    try:
        if bugs:
            raise bugs[0]
        yield Fleet(opened, failed)
    finally:
        await asyncio.gather(*(host.close() for host in opened.values()))
