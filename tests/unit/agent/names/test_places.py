"""Who waits, when more want to than may."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from dnslib import RCODE, DNSRecord

from dockmesh.agent.names import message, resolver, serve
from dockmesh.agent.names.places import Places
from dockmesh.agent.names.serve import Tcp, Udp
from tests.unit.agent.names.worlds import RED, World, container, world

GREEDY, SECOND, HONEST = "172.17.64.1", "172.17.64.2", "172.17.64.7"


def test_what_is_left_is_anybodys() -> None:
    places = Places(4)

    assert all(places.take("a") for _ in range(4))
    assert places.take("a") is None
    assert places.taken == 4


def test_who_has_most_gives_up_its_oldest_until_shares_are_even() -> None:
    places = Places(6)
    lost: list[int] = []
    for number in range(6):
        place = places.take("greedy")
        assert place is not None
        place.lose = lambda number=number: lost.append(number)  # type: ignore[misc]

    assert [places.take("b") is not None for _ in range(4)] == [True, True, True, False]
    assert lost == [0, 1, 2]
    assert places.take("c") is not None
    assert {source: len(held) for source, held in places.held.items()} == {"greedy": 2, "b": 3, "c": 1}


def test_a_place_can_be_given_back_once() -> None:
    places = Places(2)
    first, second = places.take("a"), places.take("a")
    assert first
    assert second

    first.give_back()
    first.give_back()

    assert places.taken == 1
    second.give_back()
    assert places.held == {}


def test_nobody_has_more_than_one_may() -> None:
    places = Places(10, 2)

    assert [places.take("a") is not None for _ in range(3)] == [True, True, False]


class Wire:
    """What the resolver sends by UDP."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, str, str]] = []

    def sendto(self, data: bytes, place: tuple[str, int]) -> None:
        header = DNSRecord.parse(data).header
        self.sent.append((header.id, RCODE[header.rcode], place[0]))


async def settled() -> None:
    """Nothing waits any more."""
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=60)


def questions(udp: Udp, source: str, numbers: range) -> None:
    for number in numbers:
        question = DNSRecord.question(f"n{number}.example.com")
        question.header.id = number
        udp.datagram_received(bytes(question.pack()), (source, 5353))


def served(work: Callable[[World, Udp, Wire, asyncio.Event], Awaitable[Any]]) -> Any:
    """Names outside are answered when the event is set."""

    async def go() -> Any:
        there, answering = world(), asyncio.Event()
        there.zone.put(container("honest", ("bridge", HONEST)))

        async def forward(question: bytes, *, tcp: bool) -> bytes:
            await answering.wait()
            return message.failure(question, message.NOERROR)

        setattr(there.upstream, "forward", forward)  # noqa: B010
        udp, wire = Udp(there.resolver, RED, Places(serve.MOST_WAITING)), Wire()
        transport: Any = wire
        udp.connection_made(transport)
        return await work(there, udp, wire, answering)

    return asyncio.run(go())


def test_two_that_ask_without_end_leave_the_others_their_names_outside() -> None:
    async def work(there: World, udp: Udp, wire: Wire, answering: asyncio.Event) -> None:
        questions(udp, GREEDY, range(1000))
        questions(udp, SECOND, range(1000))
        questions(udp, HONEST, range(2000, 2100))
        await asyncio.sleep(0)
        answering.set()
        await settled()

        mine = [code for number, code, source in wire.sent if source == HONEST]
        assert mine == ["NOERROR"] * 100
        assert len(wire.sent) == 2100  # everybody else is told at once that it came to nothing
        assert sum(code == "NOERROR" for _, code, _ in wire.sent) == serve.MOST_WAITING

    served(work)


def test_strangers_share_what_one_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "WAIT_S", 0.01)

    async def work(there: World, udp: Udp, wire: Wire, answering: asyncio.Event) -> None:
        for number in range(1000):
            questions(udp, f"10.99.{number >> 8}.{number & 255}", range(1))
        questions(udp, HONEST, range(200))
        await asyncio.sleep(0)
        answering.set()
        await settled()

        assert [code for _, code, source in wire.sent if source == HONEST] == ["NOERROR"] * 200
        assert {code for _, code, source in wire.sent if source != HONEST} == {"SERVFAIL", "REFUSED"}

    served(work)


def test_connections_are_shared_too_and_one_that_says_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "IDLE_S", 0.5)

    async def go() -> None:
        there = world()
        tcp = Tcp(there.resolver, RED, Places(4, 3))
        server = await asyncio.start_server(tcp.serve, "127.0.0.1", 0)
        place = server.sockets[0].getsockname()

        async def ends() -> bytes:
            reader, writer = await asyncio.open_connection(*place)
            try:
                return await reader.read()
            finally:
                writer.close()
                await writer.wait_closed()

        silent = [asyncio.ensure_future(ends()) for _ in range(6)]
        assert await asyncio.wait_for(asyncio.gather(*silent), 60) == [b""] * 6
        assert tcp.places.taken == 0

        reader, writer = await asyncio.open_connection(*place)
        writer.write(struct.pack("!H", 5000) + bytes(5000))
        assert await asyncio.wait_for(reader.read(), 60) == b""
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()

    asyncio.run(go())
