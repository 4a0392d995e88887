"""YAML as a tree that remembers where each piece stands: what messages and edits have to know.

Scalars mean what the core schema of YAML 1.2 (section 10.3.2) says, so `yes`, `1:30` and `2015-06-01` are text.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from dockmesh.meshfile.problems import Span

# What validation reads: a tree without positions.
Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]

# Where a value stands: keys and list positions (from 0), from the top.
TreePath = tuple[str | int, ...]


class Kind(StrEnum):
    """What a value is, in the words that a person would use."""

    TEXT = "text"
    NUMBER = "number"
    TRUTH = "truth value"
    NOTHING = "empty value"
    LIST = "list"
    MAP = "map"


@dataclass(frozen=True, slots=True)
class Scalar:
    """`style` is the quote of one that has any. `start` and `end` count characters of the text from 0, end excluded."""

    text: str
    value: str | int | float | bool | None
    span: Span
    start: int
    end: int
    style: str = ""

    @property
    def kind(self) -> Kind:
        match self.value:
            case None:
                return Kind.NOTHING
            case bool():
                return Kind.TRUTH
            case str():
                return Kind.TEXT
            case _:
                return Kind.NUMBER


@dataclass(frozen=True, slots=True)
class Sequence:
    """`flow`: written in brackets. A list of a block ends where its last item does."""

    items: tuple["Item", ...]
    span: Span
    start: int
    end: int
    flow: bool

    @property
    def kind(self) -> Kind:
        return Kind.LIST


@dataclass(frozen=True, slots=True)
class Mapping:
    """`repeated` are the keys that already stood in it; their values are not read."""

    entries: dict[str, "Entry"]
    repeated: tuple[Scalar, ...]
    span: Span
    start: int
    end: int
    flow: bool

    @property
    def kind(self) -> Kind:
        return Kind.MAP

    @property
    def items(self) -> tuple["Entry", ...]:
        return tuple(self.entries.values())

    def get(self, key: str) -> "Node | None":
        return self.entries[key].value if key in self.entries else None


Node = Scalar | Sequence | Mapping
Collection = Sequence | Mapping


@dataclass(frozen=True, slots=True)
class Item:
    """What stands in a list, from `start` to `end`. The value of an alias is the one that it repeats, elsewhere."""

    value: Node
    start: int
    end: int
    alias: bool


@dataclass(frozen=True, slots=True)
class Entry(Item):
    """What stands in a map; it starts with its key."""

    key: Scalar


TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
NOTHING = {"", "~", "null", "Null", "NULL"}
# Numbers that every reader takes for the same number. Eighteen digits always fit into 64 bits.
WHOLE_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
# Everything else that some YAML reader takes for a number: octal, hexadecimal, fractions, exponents, infinity.
OTHER_NUMBER = re.compile(
    r"[-+]?[0-9][0-9_]*|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


def resolve(text: str) -> str | int | float | bool | None:
    """What a plain (unquoted) scalar means.

    A number in a notation that YAML versions disagree on is `nan`: a number, and never a valid value.

    >>> resolve("1462"), resolve("yes"), resolve("true"), resolve("010"), resolve("1.10")
    (1462, 'yes', True, nan, nan)
    """
    if text in NOTHING:
        return None
    if text in TRUTH:
        return TRUTH[text]
    if WHOLE_NUMBER.fullmatch(text):
        return int(text)
    if OTHER_NUMBER.fullmatch(text):
        return float("nan")
    return text


def plain(node: Node) -> Plain:
    match node:
        case Scalar(value=value):
            return value
        case Sequence(items=items):
            return [plain(item.value) for item in items]
        case Mapping(entries=entries):
            return {name: plain(entry.value) for name, entry in entries.items()}
