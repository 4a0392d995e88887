"""Questions by UDP and TCP to the resolver, and its answers back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import Awaitable

from .config import Network
from .resolver import Resolver
from .upstream import read_framed

# Questions of one asker that may wait at once, by UDP, and its connections by TCP: one container cannot starve others.
MOST_OF_ONE = 256
MOST_CONNECTIONS_OF_ONE = 32
IDLE_S = 10.0


class Udp(asyncio.DatagramProtocol):
    def __init__(self, resolver: Resolver, network: Network) -> None:
        self.resolver = resolver
        self.network = network
        self._transport: asyncio.DatagramTransport | None = None
        self._waiting: Counter[str] = Counter()
        self._tasks: set[asyncio.Future[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self.resolver.answer(data, addr[0], self.network, udp=True)
        if reply is None or isinstance(reply, bytes):
            self._send(reply, addr)
        elif self._waiting[addr[0]] >= MOST_OF_ONE:
            reply.close()  # type: ignore[attr-defined]
        else:
            self._waiting[addr[0]] += 1
            task = asyncio.ensure_future(self._send_later(reply, addr))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _send_later(self, reply: Awaitable[bytes | None], addr: tuple[str, int]) -> None:
        try:
            self._send(await reply, addr)
        finally:
            self._waiting[addr[0]] -= 1
            if not self._waiting[addr[0]]:
                del self._waiting[addr[0]]

    def _send(self, reply: bytes | None, addr: tuple[str, int]) -> None:
        if reply and self._transport is not None:
            self._transport.sendto(reply, addr)

    def error_received(self, exc: Exception) -> None:
        """Who asked is gone."""


class Tcp:
    def __init__(self, resolver: Resolver, network: Network) -> None:
        self.resolver = resolver
        self.network = network
        self._open: Counter[str] = Counter()

    async def start(self, listening: socket.socket) -> None:
        await asyncio.start_server(self.serve, sock=listening)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source = writer.get_extra_info("peername")[0]
        self._open[source] += 1
        try:
            if self._open[source] <= MOST_CONNECTIONS_OF_ONE:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
                    await self._answer_all(reader, writer, source)
        finally:
            self._open[source] -= 1
            if not self._open[source]:
                del self._open[source]
            writer.close()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, source: str) -> None:
        while True:
            question = await asyncio.wait_for(read_framed(reader), IDLE_S)
            reply = self.resolver.answer(question, source, self.network, udp=False)
            found = reply if reply is None or isinstance(reply, bytes) else await reply
            if found is None:
                return
            writer.write(struct.pack("!H", len(found)) + found)
            await asyncio.wait_for(writer.drain(), IDLE_S)
