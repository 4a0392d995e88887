"""DNS messages: the work is dnslib's, here is what of it this resolver needs."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dnslib import (
    AAAA,
    CLASS,
    EDNS0,
    PTR,
    QTYPE,
    RCODE,
    RR,
    A,
    DNSBuffer,
    DNSHeader,
    DNSLabel,
    DNSQuestion,
    DNSRecord,
    EDNSOption,
)

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, REFUSED = 0, 1, 2, 3, 5
TYPE_A, TYPE_PTR, TYPE_AAAA, TYPE_ANY = 1, 12, 28, 255
HEADER = 12
PLAIN_UDP = 512  # RFC 1035: what an asker without EDNS takes
# Answers between resolvers of the mesh: the kernel cuts larger ones into fragments, and no firewall is in between.
LARGEST_UDP = 65000
# The size that RFC 9715 advises to offer.
OFFERED_UDP = 1232
COOKIE = 10  # RFC 7873
COOKIE_BYTES = 8


class BadMessageError(Exception):
    """No DNS message, or none that has one plain question."""


@dataclass(frozen=True)
class Question:
    """What somebody asks. `plain`: one question of class IN in an ordinary query."""

    id: int
    name: str  # lower case, without the last dot
    type: int
    recursive: bool
    plain: bool
    record: DNSRecord  # without what stands behind the question
    more: bool  # something does


def read_question(data: bytes) -> Question:
    """Header and question only, for most messages go on as they are. Raises BadMessageError."""
    if len(data) < HEADER:
        raise BadMessageError("shorter than a header")
    if data[2] & 0x80:
        raise BadMessageError("an answer")
    try:
        buffer = DNSBuffer(data)
        header = DNSHeader.parse(buffer)
        question = DNSQuestion.parse(buffer) if header.q else DNSQuestion()
        counted, more = header.q, bool(header.ar)  # DNSRecord counts anew what it is given
    except Exception as error:  # dnslib does not say what it may raise for bytes of strangers
        raise BadMessageError(str(error)) from error
    return Question(
        id=header.id,
        name=_text(question),
        type=question.qtype,
        recursive=bool(header.rd),
        plain=header.opcode == 0 and counted == 1 and question.qclass == CLASS.IN and _is_text(question),
        record=DNSRecord(header, questions=[question]),
        more=more,
    )


def _text(question: DNSQuestion) -> str:
    return b".".join(question.qname.label).decode("ascii", "replace").lower()


def _is_text(question: DNSQuestion) -> bool:
    """A label may hold any bytes, but names of the mesh do not."""
    return all(b"." not in label and max(label) < 128 for label in question.qname.label)


def failure(data: bytes, rcode: int) -> bytes:
    """An answer of this code to a message that need not be whole: its header and nothing else."""
    header = DNSHeader(id=int.from_bytes(data[:2], "big"), qr=1, rd=data[2] & 1, ra=1, rcode=rcode)
    return bytes(DNSRecord(header).pack())


def answer(question: Question, data: bytes, values: Iterable[str], rcode: int = NOERROR, *, udp: bool = True) -> bytes:
    """`values` are addresses, or names; in another order each time.

    Over UDP as many as there is room for, with the mark that there are more.
    """
    asked = question.record
    header = DNSHeader(
        id=question.id, qr=1, aa=1, rd=int(question.recursive), ra=1, rcode=rcode, opcode=asked.header.opcode
    )
    reply = DNSRecord(header, questions=asked.questions)
    room = PLAIN_UDP
    options = _edns(data) if question.more else None
    if options is not None:
        room = max(PLAIN_UDP, options.edns_len)
        cookies = [option for option in options.rdata if option.code == COOKIE and len(option.data) == COOKIE_BYTES]
        reply.add_ar(EDNS0(udp_len=OFFERED_UDP, opts=cookies))
    shuffled = list(dict.fromkeys(values))
    random.shuffle(shuffled)
    reply.add_answer(*(_record(asked.questions[0], value) for value in shuffled))
    packed = bytes(reply.pack())
    while udp and len(packed) > room and reply.rr:
        reply.header.tc = 1
        reply.rr = reply.rr[: len(reply.rr) * 9 // 10]
        packed = bytes(reply.pack())
    return packed


def _record(question: DNSQuestion, value: str) -> RR:
    """Nobody keeps it: no time to live."""
    if ":" in value:
        return RR(question.qname, QTYPE.AAAA, rdata=AAAA(value), ttl=0)
    if value.rpartition(".")[2].isdigit():
        return RR(question.qname, QTYPE.A, rdata=A(value), ttl=0)
    return RR(question.qname, QTYPE.PTR, rdata=PTR(value), ttl=0)


def _edns(data: bytes) -> RR | None:
    try:
        found: RR | None = next((each for each in DNSRecord.parse(data).ar if each.rtype == QTYPE.OPT), None)
    except Exception:  # As above; what can't be read was not said
        return None
    return found


def ask(identifier: int, name: str, kind: int, cookie: bytes) -> bytes:
    """A question to another resolver of the mesh: only what it knows itself (RD=0)."""
    label = DNSLabel([each.encode() for each in name.split(".") if each])
    record = DNSRecord(DNSHeader(id=identifier, rd=0), questions=[DNSQuestion(label, kind)])
    record.add_ar(EDNS0(udp_len=LARGEST_UDP, opts=[EDNSOption(COOKIE, cookie)]))
    return bytes(record.pack())


@dataclass(frozen=True)
class Told:
    """What another resolver answers."""

    id: int
    name: str
    type: int
    known: bool  # it has this name, if perhaps with no address of this type
    unsure: bool  # it does not know yet what it has
    values: Sequence[str]
    cookie: bytes


def read_told(data: bytes) -> Told:
    """Raises BadMessageError."""
    try:
        record = DNSRecord.parse(data)
        options = [option for each in record.ar if each.rtype == QTYPE.OPT for option in each.rdata]
        return Told(
            id=record.header.id,
            name=_text(record.questions[0]),
            type=record.questions[0].qtype,
            known=record.header.rcode == RCODE.NOERROR,
            unsure=record.header.rcode == SERVFAIL,
            values=tuple(
                str(each.rdata).rstrip(".") for each in record.rr if each.rtype in (TYPE_A, TYPE_AAAA, TYPE_PTR)
            ),
            cookie=next((bytes(option.data) for option in options if option.code == COOKIE), b""),
        )
    except Exception as error:  # as above
        raise BadMessageError(str(error)) from error
