"""Who may ask what, and what is answered: from here, from the other hosts, or from outside the mesh."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Union

from . import message
from .config import Config, Network
from .local import is_behind_bridge, is_own_address
from .message import Question
from .peers import Answers, Peers
from .upstream import Upstream
from .walk import HEADER, BadMessageError
from .zone import Zone

# A container that asks before Docker has told of it, and one that is asked for while Docker's list is being read.
WAIT_S = 0.5
# Who is no container then will hardly be one soon.
STRANGE_S, MOST_STRANGERS = 10.0, 4096
LOCALHOST = "localhost"
# Addresses can be made up: all that are of no container and no host of the mesh share what one has.
OTHERS = ""
REVERSE, REVERSE6 = ".in-addr.arpa", ".ip6.arpa"
DIGITS = frozenset("0123456789abcdef")
if TYPE_CHECKING:
    Reply = Union[bytes, Awaitable[Union[bytes, None]], None]


def reverse_address(name: str) -> str | None:
    """The address that a name below in-addr.arpa or ip6.arpa is about."""
    if name.endswith(REVERSE6):
        digits = name[: -len(REVERSE6)].split(".")
        if len(digits) != 32 or not DIGITS.issuperset(digits):
            return None
        return str(IPv6Address(int("".join(reversed(digits)), 16)))
    if not name.endswith(REVERSE):
        return None
    try:
        return str(IPv4Address(".".join(reversed(name[: -len(REVERSE)].split(".")))))
    except ValueError:
        return None


def _if_asked_for(names: list[str], question: Question) -> list[str]:
    """An address has names only, whatever else is asked for."""
    return names if question.type in (message.TYPE_PTR, message.TYPE_ANY) else []


@dataclass(frozen=True)
class Asker:
    """A container, or who is treated as one."""

    seen: tuple[Network, ...]  # whose names it sees
    outside: bool  # whether its questions may leave the mesh


class Resolver:
    """`answer` is all that the sockets know of it."""

    def __init__(self, config: Config, zone: Zone, peers: Mapping[str, Peers], upstream: Upstream) -> None:
        self.config = config
        self.zone = zone
        self.peers = peers  # by network
        self.upstream = upstream
        self.syncing: Callable[[], bool] = lambda: False  # whether Docker's list is being read
        self.own_address = is_own_address
        self.behind_bridge = is_behind_bridge
        self._strangers: dict[str, float] = {}  # who is no container, and until when that need not be asked again
        self._networks = {network.docker: network for network in config.networks}
        self._peers = frozenset().union(*(network.peers.values() for network in config.networks))
        self._changed: asyncio.Future[None] | None = None

    def changed(self) -> None:
        """The zone is another."""
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Looked at after each change of the zone, for a while."""
        loop = asyncio.get_running_loop()
        end = loop.time() + WAIT_S
        while not condition() and loop.time() < end:
            if self._changed is None or self._changed.done():
                self._changed = loop.create_future()
            await asyncio.wait({self._changed}, timeout=end - loop.time())

    def answer(self, data: bytes, source: str, at: Network, *, udp: bool) -> Reply:
        """The bytes where they are known at once. `at` is the network at whose address it was asked."""
        try:
            question = message.read_question(data, udp=udp)
        except BadMessageError:
            return message.failure(data, message.FORMERR) if len(data) >= HEADER and not data[2] & 128 else None
        if source in at.peers.values():
            return self._for_peer(question, at)
        seen = self._sees(source)
        if seen is None:
            return self._for_stranger(question, source, at)
        return self._for_container(question, self._asker(source, at, seen))

    def _asker(self, source: str, at: Network, seen: tuple[Network, ...]) -> Asker:
        """A question is a way out. From an internal network there is none, whatever else its container is on.

        Docker's resolver asks in the network that has a way out, where a container has one.
        """
        inner = at.internal or any(network.internal and network.has(source) for network in self.config.networks)
        return Asker(seen, outside=not inner)

    def who(self, source: str) -> str:
        """Whose share a question from there takes: that of a container, of another host, or of all others."""
        container = self.zone.owner(source)
        if container is not None:
            return container.id
        return source if source in self._peers else OTHERS

    def _sees(self, source: str) -> tuple[Network, ...] | None:
        networks = self.zone.networks_of(source)
        return None if networks is None else tuple(self._networks[name] for name in networks)

    async def _for_stranger(self, question: Question, source: str, at: Network) -> bytes | None:
        """Nobody's address: a container that has just started, or the host itself, or somebody else's business."""
        seen: tuple[Network, ...] | None = (at,)
        if not self.own_address(source):
            now = asyncio.get_running_loop().time()
            if self._strangers.get(source, 0.0) < now:
                await self._until(lambda: self.zone.owner(source) is not None)
            seen = self._sees(source)
            if seen is None:
                if len(self._strangers) >= MOST_STRANGERS:
                    self._strangers.clear()
                self._strangers[source] = now + STRANGE_S
                seen = self._of_no_container(source)
        if seen is None:
            return message.answer(question, (), message.REFUSED)
        reply = self._for_container(question, self._asker(source, at, seen))
        return reply if reply is None or isinstance(reply, bytes) else await reply

    def _of_no_container(self, source: str) -> tuple[Network, ...] | None:
        """Docker builds images without telling where, and Swarm's containers come by a bridge of its own."""
        own = tuple(network for network in self.config.networks if network.owns(source))
        if own or not any(network.has(source) for network in self.config.networks):
            return own if own or self.behind_bridge(source) else None
        return None  # of another host

    def _for_peer(self, question: Question, at: Network) -> Reply:
        """Another host asks: only what is known here, and of this network."""
        found = self._here(question, at) if question.plain else None
        if found is None and question.name and self.syncing():
            return self._for_peer_later(question, at)
        return self._told(question, found)

    def _told(self, question: Question, found: list[str] | None) -> bytes:
        if found is not None:
            return message.answer(question, found, largest=message.LARGEST_UDP)
        code = message.SERVFAIL if question.name and self.syncing() else message.NXDOMAIN
        return message.answer(question, (), code)

    async def _for_peer_later(self, question: Question, at: Network) -> bytes:
        await self._until(lambda: not self.syncing() or self._here(question, at) is not None)
        return self._told(question, self._here(question, at))

    def _here(self, question: Question, network: Network) -> list[str] | None:
        """What this host's containers have under a name without the domain; None if none is called so."""
        address = reverse_address(question.name)
        if address is not None:
            name = self.zone.name_of(network.docker, address)
            return (
                None if name is None else _if_asked_for([f"{name}.{self.config.host}.{self.config.domain}"], question)
            )
        return self._called(question.name, question.type, network)

    def _called(self, name: str, kind: int, network: Network) -> list[str] | None:
        endpoints = self.zone.find(network.docker, name)
        own = f".{self.config.host}"
        if not endpoints and name.endswith(own):
            endpoints = self.zone.find(network.docker, name[: -len(own)])
        if not endpoints:
            return None
        values = [each.address for each in endpoints] if kind in (message.TYPE_A, message.TYPE_ANY) else []
        if kind in (message.TYPE_AAAA, message.TYPE_ANY):
            values += [each.address6 for each in endpoints]
        return [value for value in values if value and network.has(value)]

    def _for_container(self, question: Question, asker: Asker) -> Reply:
        if not question.plain:
            return self._outside(question, asker)
        address = reverse_address(question.name)
        if address is not None:
            if not any(network.has(address) for network in self.config.networks):
                return self._outside(question, asker)
            return self._reverse(question, address, asker)
        name, inside = self._relative(question.name)
        if not inside and not self._may_be_ours(name):
            return self._outside(question, asker)
        found = self._called_here(question, name, asker)
        return self._elsewhere(question, name, asker, inside=inside) if found is None else found

    def _called_here(self, question: Question, name: str, asker: Asker) -> bytes | None:
        found = [self._called(name, question.type, network) for network in asker.seen] if name else []
        if all(each is None for each in found):
            return None
        return message.answer(question, [value for each in found for value in each or ()])

    def _relative(self, name: str) -> tuple[str, bool]:
        """A name without the domain, and whether it had it."""
        if name == self.config.domain and "." in name:
            return "", True
        end = f".{self.config.domain}"
        return (name[: -len(end)], True) if name.endswith(end) else (name, False)

    def _may_be_ours(self, name: str) -> bool:
        """Without the domain: a name of one label, or one that ends with a host.

        A container that is called `www.example.com` must not take the name of others; with the domain behind it, it is
        found. `localhost` is everybody's own (RFC 6761).
        """
        first, _, last = name.rpartition(".")
        return last != LOCALHOST and bool(name) and (not first or last in self._hosts)

    @property
    def _hosts(self) -> frozenset[str]:
        return frozenset({self.config.host}).union(*(network.peers for network in self.config.networks))

    async def _elsewhere(self, question: Question, name: str, asker: Asker, *, inside: bool) -> bytes | None:
        if self.syncing():
            await self._until(lambda: not self.syncing())
            found = self._called_here(question, name, asker)
            if found is not None:
                return found
        answers = await self._ask(name, question.type, asker.seen) if name else Answers(known=True)
        if not answers.known:
            self._host(name, question.type, asker.seen, answers)
        if answers.known:
            return message.answer(question, answers.values)
        if answers.unsure or self.syncing():
            return message.answer(question, (), message.SERVFAIL)
        if not inside and ("." in name or (asker.outside and self.upstream.servers)):
            return await self._outside(question, asker)
        return message.answer(question, (), message.NXDOMAIN)

    async def _ask(self, name: str, kind: int, seen: tuple[Network, ...]) -> Answers:
        """In all networks that are seen; the one host where the name says which."""
        last = name.rpartition(".")[2]
        host = last if "." in name and last in self._hosts else None
        asked = [self.peers[each.name].ask(name, kind, host) for each in seen if host != self.config.host]
        together = Answers()
        for each in await asyncio.gather(*asked):
            together.known = together.known or each.known
            together.unsure = together.unsure or each.unsure
            together.values += each.values
        return together

    def _host(self, name: str, kind: int, seen: tuple[Network, ...], answers: Answers) -> None:
        """A host by its own name, if no container is called so."""
        for network in seen:
            for address in network.addresses_of(name, self.config.host):
                answers.known = True
                wanted = message.TYPE_AAAA if ":" in address else message.TYPE_A
                answers.values += [address] if kind in (wanted, message.TYPE_ANY) else []

    async def _reverse(self, question: Question, address: str, asker: Asker) -> bytes | None:
        """Only of the networks that are seen: the others' names are none of the asker's business."""
        network = next((each for each in asker.seen if each.has(address)), None)
        if network is None:
            return message.answer(question, (), message.NXDOMAIN)
        host = network.host_at(address, self.config.host)
        if host is not None:
            found: list[str] | None = [f"{host}.{self.config.domain}"]
        else:
            found = self._here(question, network)
        if found is None:
            if self.syncing():
                await self._until(lambda: not self.syncing())
                found = self._here(question, network)
            answers = (
                Answers(True, False, found)
                if found is not None
                else await self.peers[network.name].ask(question.name, message.TYPE_PTR)
            )
            if not answers.known:
                code = message.SERVFAIL if answers.unsure or self.syncing() else message.NXDOMAIN
                return message.answer(question, (), code)
            found = answers.values
        return message.answer(question, _if_asked_for(found, question))

    async def _outside(self, question: Question, asker: Asker) -> bytes:
        if not asker.outside:
            return message.answer(question, (), message.REFUSED)
        found = await self.upstream.forward(question.data, tcp=not question.udp)
        return found or message.answer(question, (), message.SERVFAIL)
