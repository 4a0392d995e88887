"""DNS messages: what strangers send is read by `walk`, what is sent is written by dnslib."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from dnslib import (
    AAAA,
    CLASS,
    EDNS0,
    PTR,
    QTYPE,
    RR,
    A,
    DNSHeader,
    DNSLabel,
    DNSQuestion,
    DNSRecord,
    EDNSOption,
)

from . import walk
from .walk import HEADER, BadMessageError, Record

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, REFUSED = 0, 1, 2, 3, 5
TYPE_A, TYPE_PTR, TYPE_AAAA, TYPE_OPT, TYPE_ANY = 1, 12, 28, 41, 255
PLAIN_UDP = 512  # RFC 1035: what an asker without EDNS takes
# The size that RFC 9715 advises, to offer and to send at most.
OFFERED_UDP = 1232
# Answers between resolvers of the mesh: the kernel cuts larger ones into fragments, and no firewall is in between.
LARGEST_UDP = 32768
LARGEST_TCP = 65535
# Addresses in one answer. With IPv6 they take 28 kB.
MOST_VALUES = 1000
# No question has more bytes, nor more records behind it: EDNS is one, a signature (TSIG) another.
LARGEST_QUESTION, MOST_BEHIND = 4096, 2
COOKIE = 10  # RFC 7873
COOKIE_BYTES = 8


@dataclass(frozen=True)
class Edns:
    size: int  # what its sender takes by UDP
    cookie: bytes  # empty where there is none of ours


@dataclass(frozen=True)
class Question:
    """What somebody asks. `plain`: one question of class IN in an ordinary query."""

    header: walk.Header
    labels: tuple[bytes, ...]  # as they were written
    name: str  # lower case, without the last dot
    type: int
    class_: int
    plain: bool
    edns: Edns | None
    data: bytes  # all of it, as it came
    udp: bool  # it came by UDP, and so must the answer


def read_question(data: bytes, *, udp: bool = True) -> Question:
    """Raises BadMessageError, also where it is larger than a question is, or has what no question has."""
    header = walk.read_header(data)
    if header.flags & walk.RESPONSE:
        raise BadMessageError("an answer")
    if len(data) > LARGEST_QUESTION or header.additionals > MOST_BEHIND:
        raise BadMessageError("too large for a question")
    if header.questions > 1 or header.answers or header.authorities:
        raise BadMessageError("more than a question")
    labels, kind, class_, at = walk.read_question(data) if header.questions else ((), 0, 0, HEADER)
    edns = _edns(data, walk.read_records(data, at, header.additionals))
    return Question(
        header=header,
        labels=labels,
        name=_text(labels),
        type=kind,
        class_=class_,
        plain=header.opcode == 0 and header.questions == 1 and class_ == CLASS.IN and _is_text(labels),
        edns=edns,
        data=data,
        udp=udp,
    )


def _text(labels: Iterable[bytes]) -> str:
    return b".".join(labels).decode("ascii", "replace").lower()


def _is_text(labels: Iterable[bytes]) -> bool:
    """A label may hold any bytes, but names of the mesh do not."""
    return all(b"." not in label and max(label) < 128 for label in labels)


def _edns(data: bytes, records: Iterable[Record]) -> Edns | None:
    found = next((each for each in records if each.type == TYPE_OPT), None)
    if found is None:
        return None
    cookies = (value for code, value in walk.read_options(data, found) if code == COOKIE and len(value) == COOKIE_BYTES)
    return Edns(found.class_, next(cookies, b""))


def failure(data: bytes, code: int) -> bytes:
    """An answer of this code to a message that need not be whole: its header and nothing else."""
    header = walk.read_header(data)
    return struct.pack("!6H", header.id, walk.RESPONSE | header.flags & 0x7900 | 0x80 | code, 0, 0, 0, 0)


def answer(question: Question, values: Iterable[str], code: int = NOERROR, *, largest: int = OFFERED_UDP) -> bytes:
    """`values` are addresses, or names; in another order each time.

    Over UDP as many as there is room for, with the mark that there are more; `largest` is sent to whoever takes it.
    """
    header = DNSHeader(
        id=question.header.id,
        qr=1,
        aa=1,
        rd=int(question.header.recursive),
        ra=1,
        rcode=code,
        opcode=question.header.opcode,
    )
    asked = DNSQuestion(DNSLabel(list(question.labels)), question.type, question.class_)
    reply = DNSRecord(header, questions=[asked] if question.header.questions else [])
    room = PLAIN_UDP if question.udp else LARGEST_TCP
    if question.edns is not None:
        cookie = question.edns.cookie
        reply.add_ar(EDNS0(udp_len=OFFERED_UDP, opts=[EDNSOption(COOKIE, cookie)] if cookie else []))
        room = min(max(room, question.edns.size), largest) if question.udp else room
    shuffled = list(dict.fromkeys(values))
    random.shuffle(shuffled)
    reply.add_answer(*(_record(asked, value) for value in shuffled[:MOST_VALUES]))
    packed = bytes(reply.pack())
    while len(packed) > room and reply.rr:
        reply.header.tc = 1
        reply.rr = reply.rr[: len(reply.rr) * room // len(packed)]
        packed = bytes(reply.pack())
    return packed


def _record(question: DNSQuestion, value: str) -> RR:
    """Nobody keeps it: no time to live."""
    if question.qtype == TYPE_PTR or not _is_address(value):
        return RR(question.qname, QTYPE.PTR, rdata=PTR(_label(value)), ttl=0)
    if ":" in value:
        return RR(question.qname, QTYPE.AAAA, rdata=AAAA(value), ttl=0)
    return RR(question.qname, QTYPE.A, rdata=A(value), ttl=0)


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return True


def _label(name: str) -> DNSLabel:
    return DNSLabel([each.encode() for each in name.split(".") if each])


def ask(identifier: int, name: str, kind: int, cookie: bytes) -> bytes:
    """A question to another resolver of the mesh: only what it knows itself (RD=0)."""
    record = DNSRecord(DNSHeader(id=identifier, rd=0), questions=[DNSQuestion(_label(name), kind)])
    record.add_ar(EDNS0(udp_len=LARGEST_UDP, opts=[EDNSOption(COOKIE, cookie)]))
    return bytes(record.pack())


@dataclass(frozen=True)
class PeerReply:
    """What another resolver answers."""

    name: str
    type: int
    known: bool  # it has this name, if perhaps with no address of this type
    unsure: bool  # it does not know yet what it has
    values: tuple[str, ...]
    cookie: bytes


def identifier_of(data: bytes) -> int | None:
    """Of an answer; None if it is none, or larger than those of resolvers are."""
    if not HEADER <= len(data) <= LARGEST_UDP or not data[2] & 0x80:
        return None
    return int.from_bytes(data[:2], "big")


def read_reply(data: bytes) -> PeerReply:
    """Raises BadMessageError, also where it has what no resolver of the mesh says."""
    header = walk.read_header(data)
    if header.questions != 1 or header.answers > MOST_VALUES or header.authorities or header.additionals > MOST_BEHIND:
        raise BadMessageError("none of ours")
    labels, kind, _, at = walk.read_question(data)
    records = walk.read_records(data, at, header.answers + header.additionals)
    edns = _edns(data, records[header.answers :])
    return PeerReply(
        name=_text(labels),
        type=kind,
        known=header.code == NOERROR,
        unsure=header.code == SERVFAIL,
        values=tuple(filter(None, (_value(data, each, kind) for each in records[: header.answers]))),
        cookie=edns.cookie if edns else b"",
    )


def _value(data: bytes, record: Record, asked: int) -> str | None:
    """An address, or a name where that was asked for; None for what was not."""
    if asked not in (record.type, TYPE_ANY):
        return None
    value = data[record.start : record.end]
    if record.type == TYPE_A and len(value) == 4:
        return socket.inet_ntop(socket.AF_INET, value)
    if record.type == TYPE_AAAA and len(value) == 16:
        return socket.inet_ntop(socket.AF_INET6, value)
    if record.type == TYPE_PTR and asked == TYPE_PTR:
        labels = walk.read_name(data, record.start)
        return _text(labels) if _is_text(labels) else None
    return None
