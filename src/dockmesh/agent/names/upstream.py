"""Who is asked for names outside the mesh, and how: the question and the answer as they are, byte for byte."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from collections.abc import Collection
from ipaddress import ip_address

from .files import read_start

RESOLV_CONF = "/etc/resolv.conf"
# The user's daemon.json as it was before ours was merged in: its `dns` is what containers asked then.
DAEMON_JSON = "/etc/docker/daemon.json.before-dockmesh"
PORT = 53
# Who asks gives up after five seconds (resolv.conf(5)): by then the next one has had its turn.
PATIENCE_S = 1.5
TCP_PATIENCE_S = 5.0
# Who did not answer is asked after the others for so long.
SLOW_S = 30.0
LARGEST_ANSWER, READ_AHEAD = 65535, 8192
SERVFAIL, REFUSED = 2, 5


def read_daemon(text: str) -> list[str]:
    """`dns` of a daemon.json; none where it can't be read."""
    try:
        return [str(each) for each in json.loads(text).get("dns") or []]
    except (ValueError, AttributeError, TypeError):
        return []


def read_resolv_conf(text: str) -> list[str]:
    words = (line.split() for line in text.splitlines())
    return [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]


def usable(servers: list[str], ours: Collection[str]) -> list[str]:
    """Without what is not an address, and without the mesh's own resolvers: a question would go round for ever."""
    found = []
    for server in servers:
        try:
            ip_address(server.partition("%")[0])
        except ValueError:
            continue
        if server not in ours and server not in found:
            found.append(server)
    return found


class Watched:
    """A file, read again when it is another."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.text = ""
        self._seen: tuple[int, int, int] | None = None

    def read(self) -> str:
        try:
            found = os.stat(self.path)
            seen = (found.st_ino, found.st_mtime_ns, found.st_size)
            if seen != self._seen:
                self.text = read_start(self.path)
                self._seen = seen
        except OSError:
            self.text, self._seen = "", None
        return self.text


class Upstream:
    """The servers, in the order in which they are asked."""

    def __init__(self, ours: Collection[str], daemon: str = DAEMON_JSON, resolv_conf: str = RESOLV_CONF) -> None:
        self.ours = ours
        self._daemon, self._resolv_conf = Watched(daemon), Watched(resolv_conf)
        self._slow: dict[str, float] = {}

    @property
    def servers(self) -> list[str]:
        """The user's own of daemon.json, or else the host's."""
        own = usable(read_daemon(self._daemon.read()), self.ours)
        return own or usable(read_resolv_conf(self._resolv_conf.read()), self.ours)

    async def forward(self, question: bytes, *, tcp: bool) -> bytes | None:
        """The first answer that is one; what says that a server failed or refused, if no other says more."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        poor = None
        for server in sorted(self.servers, key=lambda each: self._slow.get(each, 0.0) > now):
            try:
                answer = await (_by_tcp if tcp else _by_udp)(question, server)
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
                self._slow[server] = loop.time() + SLOW_S
                continue
            self._slow.pop(server, None)
            if answer[3] & 15 not in (SERVFAIL, REFUSED):
                return answer
            poor = poor or answer
        return poor


class _Once(asyncio.DatagramProtocol):
    """One answer to one question; the kernel lets through nobody's but the server's."""

    def __init__(self, identifier: bytes) -> None:
        self.identifier = identifier
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 — asyncio's
        if len(data) >= 12 and data[:2] == self.identifier and data[2] & 0x80 and not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _by_udp(question: bytes, server: str) -> bytes:
    """Raises OSError and TimeoutError."""
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    transport, once = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Once(question[:2]), remote_addr=(server, PORT), family=family
    )
    try:
        transport.sendto(question)
        return await asyncio.wait_for(once.answer, PATIENCE_S)
    finally:
        transport.close()


async def _by_tcp(question: bytes, server: str) -> bytes:
    """Raises OSError, TimeoutError and IncompleteReadError."""

    async def asked() -> bytes:
        reader, writer = await asyncio.open_connection(server, PORT, limit=READ_AHEAD)
        try:
            writer.write(struct.pack("!H", len(question)) + question)
            answer = await read_framed(reader, LARGEST_ANSWER)
            if len(answer) < 12 or answer[:2] != question[:2]:
                raise OSError("no answer to what was asked")
            return answer
        finally:
            writer.close()

    return await asyncio.wait_for(asked(), TCP_PATIENCE_S)


async def read_framed(reader: asyncio.StreamReader, most: int) -> bytes:
    """A message over TCP, behind its length. Raises OSError where that is more, and IncompleteReadError."""
    (length,) = struct.unpack("!H", await reader.readexactly(2))
    if length > most:
        raise OSError(f"a message of {length} bytes")
    return await reader.readexactly(length)
