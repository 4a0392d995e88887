"""Questions by UDP and TCP to the resolver, and its answers back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from . import message
from .config import Network
from .places import Places
from .resolver import Resolver
from .upstream import read_framed

# Questions that may wait at once, by UDP in all networks, and connections by TCP. Each costs memory, and those of one
# asker must not take those of all others: `Places` shares them out.
MOST_WAITING = 512
MOST_CONNECTIONS, MOST_CONNECTIONS_OF_ONE = 64, 32
IDLE_S = 10.0
# Of what was read ahead on a connection, and of what its other end does not take.
READ_AHEAD = 4096


class Udp(asyncio.DatagramProtocol):
    def __init__(self, resolver: Resolver, network: Network, places: Places) -> None:
        self.resolver = resolver
        self.network = network
        self.places = places
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self.resolver.answer(data, addr[0], self.network, udp=True)
        if reply is None or isinstance(reply, bytes):
            self._send(reply, addr)
            return
        place = self.places.take(self.resolver.who(addr[0]))
        if place is None:
            reply.close()  # type: ignore[attr-defined]
            self._send(message.failure(data, message.SERVFAIL), addr)
            return
        task = asyncio.ensure_future(reply)

        def lose() -> None:
            task.cancel()
            self._send(message.failure(data, message.SERVFAIL), addr)

        def done(task: asyncio.Future[bytes | None]) -> None:
            place.give_back()
            if not task.cancelled():
                self._send(task.result(), addr)

        place.lose = lose
        task.add_done_callback(done)

    def _send(self, reply: bytes | None, addr: tuple[str, int]) -> None:
        if reply and self._transport is not None:
            self._transport.sendto(reply, addr)

    def error_received(self, exc: Exception) -> None:
        """Who asked is gone."""


class Tcp:
    def __init__(self, resolver: Resolver, network: Network, places: Places) -> None:
        self.resolver = resolver
        self.network = network
        self.places = places

    async def start(self, listening: socket.socket) -> None:
        await asyncio.start_server(self.serve, sock=listening, limit=READ_AHEAD)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source = writer.get_extra_info("peername")[0]
        place = self.places.take(self.resolver.who(source))
        try:
            if place is not None:
                place.lose = writer.transport.abort
                writer.transport.set_write_buffer_limits(high=0)
                with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
                    await self._answer_all(reader, writer, source)
        finally:
            if place is not None:
                place.give_back()
            writer.close()

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, source: str) -> None:
        while not writer.transport.is_closing():
            question = await asyncio.wait_for(read_framed(reader, message.LARGEST_QUESTION), IDLE_S)
            reply = self.resolver.answer(question, source, self.network, udp=False)
            found = reply if reply is None or isinstance(reply, bytes) else await reply
            if found is None:
                return
            writer.write(struct.pack("!H", len(found)) + found)
            await asyncio.wait_for(writer.drain(), IDLE_S)
