"""A resolver without sockets: what its host's containers are, and what the others would say."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

from dnslib import QTYPE, RCODE, DNSRecord

from dockmesh.agent.names.config import Config, Network
from dockmesh.agent.names.peers import Answers
from dockmesh.agent.names.resolver import Resolver
from dockmesh.agent.names.zone import Container, Endpoint, Zone

RED = Network(
    "docker0",
    "bridge",
    "172.17.42.1",
    IPv4Network("172.17.0.0/16"),
    {"host2": "172.17.42.2"},
    IPv4Network("172.17.64.0/18"),
)
BLUE = Network(
    "blue",
    "blue",
    "10.80.42.1",
    IPv4Network("10.80.0.0/16"),
    {"host2": "10.80.42.2"},
    IPv4Network("10.80.64.0/18"),
)
VAULT = Network(
    "vault",
    "vault",
    "10.81.42.1",
    IPv4Network("10.81.0.0/16"),
    {"host2": "10.81.42.2"},
    IPv4Network("10.81.64.0/18"),
    internal=True,
)
CONFIG = Config("host1", "mesh", (RED, BLUE, VAULT))


def container(name: str, *places: tuple[str, str], names: Sequence[str] = (), address6: str = "") -> Container:
    """`places` are a network of Docker's and an address in it."""
    endpoints = (Endpoint(network, address, address6, frozenset((name, *names))) for network, address in places)
    return Container(f"{name:0<64}", name, 0, tuple(endpoints))


@dataclass
class FakePeers:
    """`known` is what other hosts have: by host and name the values; a host in `silent_now` says nothing."""

    known: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    unsure: bool = False
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    async def ask(self, name: str, kind: int, host: str | None = None) -> Answers:
        self.asked.append((name, host))
        found = [names[name] for each, names in self.known.items() if host in (None, each) and name in names]
        values = [value for values in found for value in values] if kind != QTYPE.AAAA else []
        return Answers(bool(found), self.unsure and not found, values)


@dataclass
class FakeUpstream:
    servers: list[str] = field(default_factory=lambda: ["192.0.2.53"])
    asked: list[tuple[bytes, bool]] = field(default_factory=list)
    answer: bytes | None = b"from outside, as it is"

    async def forward(self, question: bytes, *, tcp: bool) -> bytes | None:
        self.asked.append((question, tcp))
        return self.answer


@dataclass
class World:
    zone: Zone = field(default_factory=lambda: Zone(("bridge", "blue", "vault")))
    red: FakePeers = field(default_factory=FakePeers)
    blue: FakePeers = field(default_factory=FakePeers)
    vault: FakePeers = field(default_factory=FakePeers)
    upstream: FakeUpstream = field(default_factory=FakeUpstream)
    config: Config = CONFIG
    syncing: bool = False
    own: Callable[[str], bool] = lambda address: address == "192.0.2.1"

    @property
    def resolver(self) -> Resolver:
        peers: Any = {"docker0": self.red, "blue": self.blue, "vault": self.vault}
        upstream: Any = self.upstream
        made = Resolver(self.config, self.zone, peers, upstream)
        made.syncing = lambda: self.syncing
        setattr(made, "behind_bridge", lambda address: address.startswith("172.19."))  # noqa: B010
        setattr(made, "own_address", self.own)  # noqa: B010 — mypy takes a function for what it is
        return made

    def ask(self, name: str, kind: str = "A", *, source: str = "172.17.64.1", at: Network = RED) -> bytes:
        return self.ask_message(bytes(DNSRecord.question(name, kind).pack()), source=source, at=at)

    def ask_message(
        self, question: bytes, *, source: str = "172.17.64.1", at: Network = RED, udp: bool = True
    ) -> bytes:
        async def asked() -> bytes:
            reply = self.resolver.answer(question, source, at, udp=udp)
            found = reply if reply is None or isinstance(reply, bytes) else await reply
            assert found is not None
            return found

        return asyncio.run(asked())

    def code(self, name: str, kind: str = "A", *, source: str = "172.17.64.1", at: Network = RED) -> str:
        return str(RCODE[DNSRecord.parse(self.ask(name, kind, source=source, at=at)).header.rcode])

    def find(self, name: str, kind: str = "A", *, source: str = "172.17.64.1", at: Network = RED) -> list[str]:
        """The values, sorted; the code must be a good one."""
        record = DNSRecord.parse(self.ask(name, kind, source=source, at=at))
        assert RCODE[record.header.rcode] == "NOERROR"
        assert {each.ttl for each in record.rr} <= {0}
        return sorted(str(each.rdata).rstrip(".") for each in record.rr)


def world() -> World:
    """`web` and `both` on host1; both in red, and `both` in blue too, where `db` is alone.

    `safe` is in vault, which is internal; `porter` there and in blue.
    """
    made = World()
    made.zone.put(container("web", ("bridge", "172.17.64.1")))
    made.zone.put(container("both", ("bridge", "172.17.64.2"), ("blue", "10.80.64.2"), names=("api",)))
    made.zone.put(container("db", ("blue", "10.80.64.3"), names=("db", "sql"), address6="fd80::3"))
    made.zone.put(container("other", ("app_default", "172.18.0.2")))
    made.zone.put(container("safe", ("vault", "10.81.64.1")))
    made.zone.put(container("porter", ("vault", "10.81.64.2"), ("blue", "10.80.64.9")))
    made.red.known = {"host2": {"far": ["172.17.128.1"], "far.host2": ["172.17.128.1"]}}
    made.blue.known = {"host2": {"deep": ["10.80.128.1"]}}
    return made
