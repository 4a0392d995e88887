"""DNS messages that a resolver must not work on: large, looped, cut short, or with more in them than a question has."""

import struct
from collections.abc import Callable, Sequence
from random import Random

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
    """A question that is known, and behind it records with two pointers each at one long name.

    Section 1: answers, 2: authority, 3: additional.
    """
    asked = question(b"web")
    pointer = struct.pack("!H", 0xC000 | 12 + len(asked))
    first, one = record(name(*LONG), 2, pointer), record(pointer, 2, pointer)
    count = (size - 12 - len(asked) - len(first)) // len(one)
    counts = [1, 0, 0, 0]
    counts[section] = 1 + count
    return header(flags=flags, counts=counts) + asked + first + one * count


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


def _bytes(chance: Random) -> bytes:
    return chance.randbytes(chance.choice((5, 11, 12, 40, 600, 4096, 20000)))


def _question(chance: Random) -> bytes:
    """A good one: of a container here, of one that may be on another host, or of a name outside."""
    labels = chance.choice(((b"web", b"mesh"), (b"n%d" % chance.randrange(9),), (b"www", b"example", b"com")))
    kinds = (1, 12, 16, 28, 255, chance.randrange(1 << 16))
    cookie = struct.pack("!HH", 10, 8) + chance.randbytes(8)
    edns = record(b"\0", 41, chance.choice((b"", cookie)), chance.choice((0, 512, 1232, 65535)))
    behind = chance.randrange(3)
    return (
        header(chance.randrange(1 << 16), 0x100, (1, 0, 0, behind))
        + question(*labels, kind=chance.choice(kinds))
        + edns * behind
    )


def _changed(chance: Random) -> bytes:
    data = bytearray(_question(chance))
    for _ in range(chance.randrange(1, 6)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data[: chance.randrange(1, len(data) + 1)]) if chance.randrange(3) == 0 else bytes(data)


def _looped(chance: Random) -> bytes:
    """Names whose pointers lead anywhere, in the question and behind it."""

    def odd() -> bytes:
        labels = name(*(b"a" * chance.randrange(1, 64) for _ in range(chance.randrange(4))))[:-1]
        return labels + struct.pack("!H", 0xC000 | chance.randrange(80))

    count = chance.randrange(4)
    first = chance.choice((odd(), name(b"web")))
    records = b"".join(record(odd(), chance.choice((2, 12, 41)), odd()) for _ in range(count))
    return header(counts=(1, 0, 0, count)) + first + b"\0\1\0\1" + records


def _counted(chance: Random) -> bytes:
    """With many records, or with none where many are said to be."""
    counts = [chance.choice((0, 1, 2, 3, 0xFFFF)) for _ in range(4)]
    records = record(POINTER, chance.choice((1, 2, 41)), chance.randbytes(chance.randrange(20)))
    return header(flags=chance.randrange(1 << 16), counts=counts) + question(*LONG) + records * chance.randrange(2000)


def _wide(chance: Random) -> bytes:
    """EDNS of any size, in options that fit or do not."""
    size = chance.choice((0, 3, 4, 100, 3900, 5000, 60000))
    options = struct.pack("!HH", chance.randrange(20), chance.choice((0, size, 0xFFFF))) + bytes(size)
    return header(counts=(1, 0, 0, 1)) + question(b"web") + record(b"\0", 41, options, chance.randrange(1 << 16))


KINDS: tuple[Callable[[Random], bytes], ...] = (_bytes, _question, _changed, _looped, _counted, _wide)


def hostile(chance: Random) -> bytes:
    """A message of somebody who means no good, or a good one, so that there is no telling."""
    kind = chance.randrange(len(KINDS) + 1)
    return KINDS[kind](chance) if kind < len(KINDS) else chance.choice(list(HOSTILE.values()))
