"""Bytes of strangers: what is no question is said to be none, and nothing costs much."""

import gc
import sys
from collections.abc import Callable
from typing import Any

import pytest
from dnslib import AAAA, CNAME, PTR, QTYPE, RR, A, DNSHeader, DNSQuestion, DNSRecord

from dockmesh.agent.names import message
from dockmesh.agent.names.walk import BadMessageError
from tests.support.dns import HOSTILE, POINTER, header, name, question, record
from tests.unit.agent.names.worlds import RED, world

# Calls of functions, in Python or below: what a machine does, however busy it is. A plain question costs some 1,300 of
# them with its answer, most of them in dnslib; the messages below cost up to 3 million where dnslib reads them.
MOST_CALLS = 3000


def calls(work: Callable[[], Any]) -> int:
    count = 0

    def profile(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    # A collection in the middle would count what other tests left to be finalized.
    gc.collect()
    gc.disable()
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


@pytest.mark.parametrize("source", ["172.17.64.1", "172.17.42.2", "192.0.2.1"], ids=["container", "host", "self"])
@pytest.mark.parametrize("what", HOSTILE)
def test_what_no_question_has_is_a_mistake_of_the_asker_and_costs_little(what: str, source: str) -> None:
    there = world()
    resolver = there.resolver
    found: list[Any] = []

    spent = calls(lambda: found.append(resolver.answer(HOSTILE[what], source, RED, udp=True)))

    assert spent < MOST_CALLS
    if what == "an answer":
        assert found == [None]
    else:
        assert found[0][:2] == HOSTILE[what][:2]
        assert DNSRecord.parse(found[0]).header.rcode == message.FORMERR
    assert there.upstream.asked == []


def test_the_most_that_a_question_may_be_costs_little_too() -> None:
    options = b"".join(b"\xfe\xdc\0\0" for _ in range(16))
    two = record(b"\0", 41, options, 65535) + record(name(*(b"a",) * 120), 250, bytes(3000))
    largest = header(counts=(1, 0, 0, 2)) + question(*(b"a",) * 120, b"mesh") + two

    assert calls(lambda: message.answer(message.read_question(largest), (), message.REFUSED)) < MOST_CALLS


def test_an_option_in_a_question_is_read_and_a_signature_behind_it_does_no_harm() -> None:
    asked = message.ask(7, "web", 1, b"eightbyt")
    signed = asked[:10] + b"\0\2" + asked[12:] + record(name(b"key"), 250, bytes(100))

    for each in (asked, signed):
        read = message.read_question(each)
        assert (read.name, read.edns) == ("web", message.Edns(message.LARGEST_UDP, b"eightbyt"))


def told(*records: RR, kind: str = "A", code: int = 0) -> bytes:
    reply = DNSRecord(DNSHeader(id=7, qr=1, rcode=code), questions=[DNSQuestion("db", getattr(QTYPE, kind))])
    reply.add_answer(*records)
    return bytes(reply.pack())


def test_of_what_another_host_says_only_what_was_asked_for_is_taken() -> None:
    everything = (
        RR("db", QTYPE.A, rdata=A("172.17.64.1")),
        RR("db", QTYPE.AAAA, rdata=AAAA("fd80::1")),
        RR("db", QTYPE.CNAME, rdata=CNAME("elsewhere.example")),
        RR("db", QTYPE.PTR, rdata=PTR("db.host2.mesh")),
    )

    assert message.read_reply(told(*everything)).values == ("172.17.64.1",)
    assert message.read_reply(told(*everything, kind="AAAA")).values == ("fd80::1",)
    assert message.read_reply(told(*everything, kind="PTR")).values == ("db.host2.mesh",)
    assert message.read_reply(told(*everything, kind="ANY")).values == ("172.17.64.1", "fd80::1")


@pytest.mark.parametrize("value", [POINTER * 2, b"\x03db.\xc0\x13", b"\xc0\x28", b"\x40a\0", b"\x01a" * 200, b""])
def test_a_name_that_another_host_says_may_lead_back_only(value: bytes) -> None:
    owner = question(b"db", kind=12)
    reply = header(flags=0x8000, counts=(1, 1, 0, 0)) + owner + record(POINTER, 12, value)
    spent: list[int] = []

    def read() -> None:
        try:
            assert message.read_reply(reply).values in ((), ("db",))
        except BadMessageError:
            spent.append(1)

    assert calls(read) < MOST_CALLS


def test_more_than_another_host_may_say_is_not_taken() -> None:
    one = record(POINTER, 1, bytes(4))
    many = header(flags=0x8000, counts=(1, 1001, 0, 0)) + question(b"db") + one * 1001
    behind = header(flags=0x8000, counts=(1, 0, 0, 3)) + question(b"db") + one * 3
    authority = header(flags=0x8000, counts=(1, 0, 1, 0)) + question(b"db") + one

    for each in (many, behind, authority, b"", many[:9]):
        with pytest.raises(BadMessageError):
            message.read_reply(each)


def test_a_name_of_bytes_that_are_no_text_is_answered_as_it_was_asked() -> None:
    odd = question(b"w\xffb", b"MeSh")

    assert message.answer(message.read_question(header() + odd), ())[12:] == odd
