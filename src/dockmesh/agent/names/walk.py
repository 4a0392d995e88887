"""Bytes of strangers, walked as a DNS message (RFC 1035, 4.1): every step goes forward, and they are counted.

dnslib follows each pointer and builds each name: 65 kB of records that point at one long name keep it busy for seconds.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = 12
RESPONSE = 0x8000
MOST_IN_NAME, MOST_IN_LABEL = 255, 63
MOST_OPTIONS = 16
POINTER = 0xC0


class BadMessageError(Exception):
    """No DNS message, or none that is taken."""


@dataclass(frozen=True)
class Header:
    id: int
    flags: int
    questions: int
    answers: int
    authorities: int
    additionals: int

    @property
    def opcode(self) -> int:
        return self.flags >> 11 & 15

    @property
    def recursive(self) -> bool:
        return bool(self.flags & 0x100)

    @property
    def code(self) -> int:
        return self.flags & 15


@dataclass(frozen=True)
class Record:
    """What it holds stands from `start` to `end`."""

    type: int
    class_: int  # of an OPT record the size that its sender takes
    start: int
    end: int


def read_header(data: bytes) -> Header:
    """Raises BadMessageError."""
    if len(data) < HEADER:
        raise BadMessageError("shorter than a header")
    return Header(*struct.unpack_from("!6H", data))


def read_question(data: bytes, at: int = HEADER) -> tuple[tuple[bytes, ...], int, int, int]:
    """Labels, type, class, and where it ends. The first name of a message has nothing to point at."""
    labels, at, target = _run(data, at)
    if target is not None:
        raise BadMessageError("a pointer in the question")
    kind, class_ = _unpack("!HH", data, at)
    return labels, kind, class_, at + 4


def read_records(data: bytes, at: int, count: int) -> list[Record]:
    """Their names are stepped over: a pointer is an end, wherever it points. The caller has looked at `count`."""
    found = []
    for _ in range(count):
        _, at, _ = _run(data, at)
        kind, class_, _, length = _unpack("!HHIH", data, at)
        start, at = at + 10, at + 10 + length
        if at > len(data):
            raise BadMessageError("a record that goes on behind the end")
        found.append(Record(kind, class_, start, at))
    return found


def read_options(data: bytes, record: Record) -> Iterator[tuple[int, bytes]]:
    """Of an OPT record (RFC 6891, 6.1.2): code and value."""
    at = record.start
    for _ in range(MOST_OPTIONS):
        if at == record.end:
            return
        code, length = _unpack("!HH", data[: record.end], at)
        start, at = at + 4, at + 4 + length
        if at > record.end:
            raise BadMessageError("an option that goes on behind its record")
        yield code, data[start:at]
    if at != record.end:
        raise BadMessageError("too many options")


def read_name(data: bytes, at: int) -> tuple[bytes, ...]:
    """With its pointers. Each leads back before the last, so there is no loop."""
    labels, _, target = _run(data, at)
    before = at
    while target is not None:
        if not HEADER <= target < before:
            raise BadMessageError("a pointer that does not lead back")
        more, _, following = _run(data, target)
        labels, before, target = labels + more, target, following
        if sum(map(len, labels)) + len(labels) >= MOST_IN_NAME:
            raise BadMessageError("a name that is too long")
    return labels


def _run(data: bytes, at: int) -> tuple[tuple[bytes, ...], int, int | None]:
    """Labels up to the end of the name or a pointer, what stands behind that, and where the pointer leads."""
    labels: list[bytes] = []
    end = at + MOST_IN_NAME
    while at < end:
        (length,) = _unpack("!B", data, at)
        if length >= POINTER:
            return tuple(labels), at + 2, _unpack("!H", data, at)[0] & 0x3FFF
        if length > MOST_IN_LABEL or at + 1 + length > len(data):
            raise BadMessageError("no label")
        at += 1 + length
        if not length:
            return tuple(labels), at, None
        labels.append(bytes(data[at - length : at]))
    raise BadMessageError("a name that is too long")


def _unpack(form: str, data: bytes, at: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(form, data, at)
    except struct.error as error:
        raise BadMessageError("it ends too soon") from error
