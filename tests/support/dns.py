"""DNS messages that a resolver must not work on: large, looped, cut short, or with more in them than a question has."""

import struct
from collections.abc import Sequence

LONG = (b"a",) * 120
POINTER = b"\xc0\x0c"  # at the first name


def header(identifier: int = 7, flags: int = 0x100, counts: Sequence[int] = (1, 0, 0, 0)) -> bytes:
    return struct.pack("!6H", identifier, flags, *counts)


def name(*labels: bytes) -> bytes:
    return b"".join(bytes([len(each)]) + each for each in labels) + b"\0"


def question(*labels: bytes, kind: int = 1) -> bytes:
    return name(*labels) + struct.pack("!HH", kind, 1)


def record(owner: bytes, kind: int, value: bytes, class_: int = 1) -> bytes:
    return owner + struct.pack("!HHIH", kind, class_, 0, len(value)) + value


def stuffed(size: int, section: int, flags: int = 0x100) -> bytes:
    """Full of records with two pointers at one long name; section 1: answers, 2: authority, 3: additional."""
    one = record(POINTER, 2, POINTER)
    count = (size - 12 - len(question(*LONG))) // len(one)
    counts = [1, 0, 0, 0]
    counts[section] = count
    return header(flags=flags, counts=counts) + question(*LONG) + one * count


OPT = record(b"\0", 41, b"", 65535)
HOSTILE = {
    "answers": stuffed(65000, 1),
    "authority": stuffed(65000, 2),
    "additional": stuffed(65000, 3),
    "answers of 4 kB": stuffed(4000, 1),
    "additional of 4 kB": stuffed(4000, 3),
    "an answer": stuffed(65000, 1, 0x8180),
    "three behind the question": header(counts=(1, 0, 0, 3)) + question(b"web") + OPT * 3,
    "more than 4 kB": header(counts=(1, 0, 0, 1)) + question(b"web") + record(b"\0", 41, bytes(4100)),
    "two questions": header(counts=(2, 0, 0, 0)) + question(b"web") * 2,
    "65535 of everything": header(counts=(0xFFFF,) * 4) + question(b"web"),
    "a name that is its own end": header() + POINTER + b"\0\1\0\1",
    "a label of 64": header() + b"\x40" + b"a" * 64 + b"\0\0\1\0\1",
    "a name of 300": header() + question(*(b"a",) * 150),
    "a name without an end": header() + b"\x3f" + b"a" * 20,
    "a record without an end": header(counts=(1, 0, 0, 1)) + question(b"web") + OPT[:-3],
    "EDNS that ends too soon": header(counts=(1, 0, 0, 1)) + question(b"web") + record(b"\0", 41, b"\0\x0a\0\x09abc"),
    "EDNS of a thousand options": header(counts=(1, 0, 0, 1)) + question(b"web") + record(b"\0", 41, bytes(4000)),
}
