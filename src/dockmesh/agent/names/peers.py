"""The other hosts' resolvers in one network: all are asked at once, and the answer is what they say together."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from . import message
from .config import Network
from .message import TYPE_PTR
from .patience import FAR_S, LOOK_S, NEAR_S, PROBE_S, Peer
from .sockets import listens
from .walk import BadMessageError

PORT = 53
MOST_LATE = 200  # questions that were given up and whose late answers are still of use
# A name that nobody has is not asked for again before so long: a program that looks for it all the time would keep all
# hosts busy. A new container is found so much later at most, by those who asked before it was there.
HOLD_S, MOST_HELD = 1.0, 1024
# What nobody is called, and every resolver answers.
NOBODY = ""


@dataclass
class Answers:
    """What all that were asked say together."""

    known: bool = False
    unsure: bool = False  # somebody who may know it did not answer, or does not know yet what it has
    values: list[str] = field(default_factory=list)


class Asked:
    """A question that waits for answers."""

    def __init__(self, name: str, kind: int, cookie: bytes, sent: float, peers: Iterable[Peer]) -> None:
        self.name = name
        self.kind = kind
        self.cookie = cookie
        self.sent = sent
        self.waiting = {peer.address: peer for peer in peers}
        self.answers = Answers()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Peers(asyncio.DatagramProtocol):
    """Asks from this host's own address in the network, so that the others know who asks."""

    def __init__(self, network: Network, say: Callable[[str], None]) -> None:
        self.network = network
        self.say = say
        self.peers = {host: Peer(host, address) for host, address in sorted(network.peers.items())}
        self._asked: dict[int, Asked] = {}
        self._late: dict[int, asyncio.TimerHandle] = {}  # of those the ones that were given up, the oldest first
        self._nobody: dict[tuple[str, str | None], float] = {}  # by name and host asked, until when nobody has it
        self._suspected = asyncio.Event()  # somebody is suspect
        self._transport: asyncio.DatagramTransport | None = None
        self._told_silent: set[str] = set()
        self.listens = listens
        self._looks: dict[Peer, asyncio.Task[None]] = {}

    @property
    def silent(self) -> list[str]:
        now = asyncio.get_running_loop().time()
        return [peer.host for peer in self.peers.values() if peer.is_silent(now)]

    async def ask(self, name: str, kind: int, host: str | None = None) -> Answers:
        """Everybody, or one host, but for those that are silent."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        chosen = [peer for peer in self.peers.values() if host in (None, peer.host) and not peer.is_silent(now)]
        if not chosen or self._nobody.get((name, host), 0.0) > now:
            return Answers()
        identifier, asked = self._send(name, kind, chosen)
        again = loop.call_later(NEAR_S / 3, self._send_again, identifier, asked)
        patience_s = max(peer.patience_s for peer in chosen)
        gives_up = loop.call_later(patience_s, self._give_up, asked)
        try:
            await asked.done
        finally:
            again.cancel()
            gives_up.cancel()
            if asked.waiting:
                self._forget_later(identifier)
            else:
                del self._asked[identifier]
        if not asked.answers.known and not asked.answers.unsure:
            self._hold(name, host)
        return asked.answers

    def _hold(self, name: str, host: str | None) -> None:
        if len(self._nobody) >= MOST_HELD:
            self._nobody.clear()
        self._nobody[name, host] = asyncio.get_running_loop().time() + HOLD_S

    async def probe(self) -> None:
        """Never ends: asks those that are suspect whether they are back. While nobody is, it sleeps."""
        while True:
            await self._suspected.wait()
            await asyncio.sleep(PROBE_S)
            suspects = [peer for peer in self.peers.values() if peer.suspect_since is not None]
            if suspects:
                identifier, _ = self._send(NOBODY, message.TYPE_A, suspects)
                self._forget_later(identifier)
            else:
                self._suspected.clear()
            now = asyncio.get_running_loop().time()
            for peer in suspects:
                if peer not in self._looks and not peer.is_silent(now):
                    self._looks[peer] = asyncio.ensure_future(self._look(peer))
            self._tell()

    async def _look(self, peer: Peer) -> None:
        """Is it dead, or does only its resolver not answer? As of the moment when that was asked."""
        try:
            now = asyncio.get_running_loop().time()
            if await self.listens(self.network.address, peer.address, max(LOOK_S, peer.patience_s)):
                peer.listened = now
                await asyncio.sleep(LOOK_S)
        finally:
            del self._looks[peer]

    def _forget_later(self, identifier: int) -> None:
        """Who answers late is alive all the same."""
        if len(self._late) >= MOST_LATE:
            self._forget(next(iter(self._late)))
        self._late[identifier] = asyncio.get_running_loop().call_later(FAR_S, self._forget, identifier)

    def _forget(self, identifier: int) -> None:
        self._asked.pop(identifier, None)
        timer = self._late.pop(identifier, None)
        if timer is not None:
            timer.cancel()

    def _tell(self) -> None:
        silent = set(self.silent)
        for host in sorted(silent - self._told_silent):
            self.say(f"{self.network.name}: {host} does not answer; its names are gone until it does")
        for host in sorted(self._told_silent - silent):
            self.say(f"{self.network.name}: {host} answers again")
        self._told_silent = silent

    def _send(self, name: str, kind: int, peers: list[Peer]) -> tuple[int, Asked]:
        identifier = random.randrange(1 << 16)  # noqa: S311 — what nobody guesses is the cookie
        while identifier in self._asked:
            identifier = (identifier + 1) % (1 << 16)
        now = asyncio.get_running_loop().time()
        asked = self._asked[identifier] = Asked(name, kind, os.urandom(message.COOKIE_BYTES), now, peers)
        self._send_again(identifier, asked)
        return identifier, asked

    def _send_again(self, identifier: int, asked: Asked) -> None:
        question = message.ask(identifier, asked.name, asked.kind, asked.cookie)
        for address in asked.waiting:
            if self._transport is not None:
                self._transport.sendto(question, (address, PORT))

    def _give_up(self, asked: Asked) -> None:
        if asked.done.done():
            return
        now = asyncio.get_running_loop().time()
        for peer in asked.waiting.values():
            peer.missed(now)
            asked.answers.unsure = True
            self._suspected.set()
        asked.done.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def error_received(self, exc: Exception) -> None:
        """The bridge has no address yet, or is down: who is not reached does not answer."""

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Who guesses costs nothing: only what comes from where an answer is waited for is read."""
        identifier = message.identifier_of(data)
        asked = None if identifier is None else self._asked.get(identifier)
        if asked is None or addr[1] != PORT or addr[0] not in asked.waiting:
            return
        try:
            told = message.read_reply(data)
        except BadMessageError:
            return
        if (told.name, told.type, told.cookie) != (asked.name, asked.kind, asked.cookie):
            return
        peer = asked.waiting.pop(addr[0])
        if peer.suspect_since is not None:
            self._nobody.clear()  # it may have them
        peer.answered(asyncio.get_running_loop().time() - asked.sent)
        asked.answers.known = asked.answers.known or told.known
        asked.answers.unsure = asked.answers.unsure or told.unsure
        asked.answers.values += (value for value in told.values if asked.kind == TYPE_PTR or self.network.has(value))
        if not asked.waiting and not asked.done.done():
            asked.done.set_result(None)
