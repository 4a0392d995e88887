"""The others, asked: their answers are bytes that the tests make; tests/lab has real ones."""

import asyncio
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Network
from typing import Any

import pytest
from dnslib import DNSRecord

from dockmesh.agent.names import message, patience, peers
from dockmesh.agent.names.config import Network
from dockmesh.agent.names.peers import Answers, Peers

NETWORK = Network(
    "docker0",
    "bridge",
    "172.17.42.1",
    IPv4Network("172.17.0.0/16"),
    {"host2": "172.17.42.2", "host3": "172.17.42.3"},
)
Answering = Callable[[Peers, bytes, str], None]


class Wire:
    """Carries questions to `answering`, which may say something at once or never."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.sent: list[tuple[bytes, str]] = []
        self.said: list[str] = []
        self.heard = asyncio.Event()
        self.peers = Peers(NETWORK, self.say)
        self.listening: set[str] = set()
        self.looked = asyncio.Event()
        self.peers.listens = self.listens
        transport: Any = self
        self.peers.connection_made(transport)

    def say(self, text: str) -> None:
        self.said.append(text)
        self.heard.set()

    async def listens(self, source: str, address: str, patience_s: float) -> bool:
        assert source == NETWORK.address
        self.looked.set()
        return address in self.listening

    async def until_said(self, count: int) -> None:
        while len(self.said) < count:
            self.heard.clear()
            await self.heard.wait()

    def sendto(self, data: bytes, place: tuple[str, int]) -> None:
        self.sent.append((data, place[0]))
        asyncio.get_running_loop().call_soon(self.answering, self.peers, data, place[0])


def has(**values: list[str]) -> Answering:
    """By host what it has, whatever is asked; a host that is not named does not answer."""

    def answering(there: Peers, data: bytes, address: str) -> None:
        host = next(name for name, each in NETWORK.peers.items() if each == address)
        if host in values:
            question = message.read_question(data)
            code = message.NOERROR if values[host] else message.NXDOMAIN
            there.datagram_received(message.answer(question, values[host], code), (address, 53))

    return answering


def run(answering: Answering, work: Callable[[Wire], Awaitable[Any]]) -> Any:
    async def go() -> Any:
        async with asyncio.timeout(60):  # what never comes fails the test, and does not hold it for ever
            return await work(Wire(answering))

    return asyncio.run(go())


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that is dead costs the tests no time."""
    monkeypatch.setattr(patience, "NEAR_S", 0.01)
    monkeypatch.setattr(peers, "NEAR_S", 0.01)
    monkeypatch.setattr(patience, "SUSPECT_S", 0.0)


def test_the_answer_is_what_all_say_together() -> None:
    both = has(host2=["172.17.128.1"], host3=["172.17.192.1", "172.17.192.2"])

    found = run(both, lambda wire: wire.peers.ask("db", 1))

    assert found.known
    assert sorted(found.values) == ["172.17.128.1", "172.17.192.1", "172.17.192.2"]


def test_a_question_goes_to_each_host_once_and_wants_its_own_knowledge_only() -> None:
    async def work(wire: Wire) -> list[tuple[bytes, str]]:
        await wire.peers.ask("web1.host2", 28)
        return wire.sent

    sent = run(has(host2=[], host3=[]), work)

    assert sorted(place for _, place in sent) == ["172.17.42.2", "172.17.42.3"]
    record = DNSRecord.parse(sent[0][0])
    assert (str(record.q.qname), record.q.qtype, record.header.rd) == ("web1.host2.", 28, 0)


def test_a_host_that_does_not_know_yet_what_it_has_makes_it_unsure() -> None:
    def answering(there: Peers, data: bytes, address: str) -> None:
        question = message.read_question(data)
        code = message.SERVFAIL if address == "172.17.42.3" else message.NXDOMAIN
        there.datagram_received(message.answer(question, (), code), (address, 53))

    async def work(wire: Wire) -> tuple[Answers, list[str]]:
        return await wire.peers.ask("db", 1), wire.peers.silent

    assert run(answering, work) == (Answers(unsure=True), [])


def test_one_host_can_be_asked_alone() -> None:
    async def work(wire: Wire) -> set[str]:
        await wire.peers.ask("db", 1, "host3")
        return {place for _, place in wire.sent}

    assert run(has(host3=["172.17.192.1"]), work) == {"172.17.42.3"}


def test_what_nobody_has_is_sure_if_all_say_so() -> None:
    assert run(has(host2=[], host3=[]), lambda wire: wire.peers.ask("db", 1)) == Answers()


def test_a_dead_host_costs_one_question_its_time_and_makes_it_unsure_then_it_is_left_out() -> None:
    async def work(wire: Wire) -> tuple[Answers, Answers, int, list[str]]:
        first = await wire.peers.ask("db", 1)
        wire.sent.clear()
        second = await wire.peers.ask("db", 1)
        return first, second, len(wire.sent), wire.peers.silent

    first, second, sent, silent = run(has(host2=[]), work)

    assert first.unsure
    assert not second.unsure
    assert (sent, silent) == (1, ["host3"])


def test_while_it_is_doubted_it_is_asked_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SUSPECT_S", 1e6)

    async def work(wire: Wire) -> Answers:
        await wire.peers.ask("db", 1)
        wire.answering = has(host2=[], host3=["172.17.192.1"])
        return await wire.peers.ask("db", 1)

    assert run(has(host2=[]), work) == Answers(known=True, values=["172.17.192.1"])


def test_a_silent_host_is_asked_whether_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "PROBE_S", 0.001)

    async def work(wire: Wire) -> tuple[list[str], list[str]]:
        await wire.peers.ask("db", 1)
        before = wire.peers.silent
        probing = asyncio.ensure_future(wire.peers.probe())
        await wire.until_said(1)
        wire.answering = has(host2=[], host3=[])
        await wire.until_said(2)
        probing.cancel()
        assert wire.peers.silent == []
        return before, wire.said

    before, said = run(has(host2=[]), work)

    assert before == ["host3"]
    assert said == [
        "docker0: host3 does not answer; its names are gone until it does",
        "docker0: host3 answers again",
    ]


@pytest.mark.exhaustive
def test_a_host_that_listens_and_does_not_answer_is_not_silent_until_it_listens_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peers, "PROBE_S", 0.001)
    monkeypatch.setattr(peers, "LOOK_S", 0.001)
    monkeypatch.setattr(patience, "SUSPECT_S", 1)  # longer than a busy machine keeps this loop waiting

    async def work(wire: Wire) -> tuple[list[Answers], list[str]]:
        wire.listening = {"172.17.42.3"}
        probing = asyncio.ensure_future(wire.peers.probe())
        answers = [await wire.peers.ask("db", 1)]
        since = wire.peers.peers["host3"].suspect_since
        assert since is not None
        while wire.peers.peers["host3"].listened < since + 2 * patience.SUSPECT_S:
            wire.looked.clear()
            await wire.looked.wait()
        answers.append(await wire.peers.ask("db", 1))
        wire.listening.clear()
        await wire.until_said(1)
        answers.append(await wire.peers.ask("db", 1))
        probing.cancel()
        return answers, wire.said

    answers, said = run(has(host2=[]), work)

    assert [each.unsure for each in answers] == [True, True, False]
    assert said == ["docker0: host3 does not answer; its names are gone until it does"]


def test_a_late_answer_says_that_the_host_lives() -> None:
    async def work(wire: Wire) -> list[str]:
        await wire.peers.ask("db", 1)
        has(host2=[], host3=[])(wire.peers, wire.sent[-1][0], "172.17.42.3")
        return wire.peers.silent

    assert run(has(host2=[]), work) == []


@pytest.mark.parametrize("lie", ["another cookie", "another name", "another address", "another port", "rubbish"])
def test_who_only_guesses_is_not_believed(lie: str) -> None:
    def answering(there: Peers, data: bytes, address: str) -> None:
        question = message.read_question(data)
        honest = message.answer(question, ["172.17.66.6"])
        cookie = question.edns.cookie if question.edns else b""
        match lie:
            case "another cookie":
                there.datagram_received(honest.replace(cookie, b"12345678"), (address, 53))
            case "another name":
                there.datagram_received(honest.replace(b"\x02db", b"\x02dc"), (address, 53))
            case "another address":
                there.datagram_received(honest, ("172.17.66.6", 53))
            case "another port":
                there.datagram_received(honest, (address, 5353))
            case _:
                there.datagram_received(honest[:9], (address, 53))

    found = run(answering, lambda wire: wire.peers.ask("db", 1))

    assert (found.known, found.values) == (False, [])


def test_while_nobody_is_doubted_nothing_wakes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await turns(1)

    async def work(wire: Wire) -> tuple[int, list[float]]:
        probing = asyncio.ensure_future(wire.peers.probe())
        await turns(50)
        assert slept == []
        wire.answering = has(host2=[])
        await wire.peers.ask("db", 1)
        await wire.until_said(1)
        at_work = len(slept)
        wire.answering = has(host2=[], host3=[])
        await wire.until_said(2)
        await turns(50)
        slept.clear()
        await turns(50)
        probing.cancel()
        return at_work, slept

    monkeypatch.setattr(asyncio, "sleep", sleep)
    at_work, later = run(has(host2=[], host3=[]), work)

    assert at_work > 0
    assert later == []


async def turns(count: int) -> None:
    """Of the event loop."""
    for _ in range(count):
        turn = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(turn.set_result, None)
        await turn


def test_a_name_that_nobody_has_is_not_asked_for_again_at_once() -> None:
    async def work(wire: Wire) -> list[int]:
        counts = []
        for name, kind in (("db", 1), ("db", 28), ("other", 1)):
            wire.sent.clear()
            assert await wire.peers.ask(name, kind) == Answers()
            counts.append(len(wire.sent))
        return counts

    assert run(has(host2=[], host3=[]), work) == [2, 0, 2]


def test_what_is_not_sure_or_there_is_asked_for_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SUSPECT_S", 1e6)

    async def work(wire: Wire) -> list[bool]:
        known = []
        for answering in (has(host2=[]), has(host2=[], host3=["172.17.192.1"]), has(host2=[], host3=[])):
            wire.answering = answering
            known.append((await wire.peers.ask("db", 1)).known)
        return known

    assert run(has(), work) == [False, True, False]


def test_after_a_moment_and_when_a_host_is_back_it_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(wire: Wire) -> list[bool]:
        first = (await wire.peers.ask("db", 1)).known  # host3 does not answer
        assert (await wire.peers.ask("db", 1)) == Answers()  # nor is it waited for: nobody has the name
        wire.answering = has(host2=[], host3=["172.17.192.1"])
        wire.answering(wire.peers, wire.sent[0][0], "172.17.42.3")
        back = (await wire.peers.ask("db", 1)).known
        wire.answering = has(host2=[], host3=[])
        assert not (await wire.peers.ask("new", 1)).known
        monkeypatch.setattr(wire.peers, "_nobody", dict.fromkeys(wire.peers._nobody, 0.0))
        wire.answering = has(host2=[], host3=["172.17.192.1"])
        return [first, back, (await wire.peers.ask("new", 1)).known]

    assert run(has(host2=[]), work) == [False, True, True]


@pytest.mark.exhaustive
def test_what_is_remembered_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "SUSPECT_S", 1e6)

    async def work(wire: Wire) -> tuple[int, int]:
        questions = [wire.peers.ask(f"name{number}", 1, host) for number in range(1500) for host in ("host2", "host3")]
        await asyncio.gather(*questions)
        return len(wire.peers._asked), len(wire.peers._nobody)

    late, nobody = run(has(host2=[]), work)

    assert 0 < late <= peers.MOST_LATE
    assert 0 < nobody <= peers.MOST_HELD


@pytest.mark.parametrize("lie", ["another address", "another port", "another number", "a question", "too much of it"])
def test_what_nobody_waits_for_is_not_read(monkeypatch: pytest.MonkeyPatch, lie: str) -> None:
    read: list[bytes] = []
    monkeypatch.setattr(message, "read_reply", read.append)

    def answering(there: Peers, data: bytes, address: str) -> None:
        honest = message.answer(message.read_question(data), ["172.17.66.6"])
        match lie:
            case "another address":
                there.datagram_received(honest, ("172.17.66.6", 53))
            case "another port":
                there.datagram_received(honest, (address, 5353))
            case "another number":
                there.datagram_received(bytes([honest[0] ^ 1]) + honest[1:], (address, 53))
            case "a question":
                there.datagram_received(data, (address, 53))
            case _:
                there.datagram_received(honest + bytes(message.LARGEST_UDP), (address, 53))

    run(answering, lambda wire: wire.peers.ask("db", 1))

    assert read == []
