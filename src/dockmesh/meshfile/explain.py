"""What is wrong with a value by itself, in words for people and with the place in the file."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockmesh.meshfile.excerpt import clipped, quoted
from dockmesh.meshfile.problems import Problem, Span
from dockmesh.meshfile.syntax import FULL_WIDTH
from dockmesh.meshfile.tree import Kind, Mapping, Node, Scalar

if TYPE_CHECKING:
    from dockmesh.meshfile.section import Key, Section

# Programs read these as an address: `ssh 10` goes to 0.0.0.10 (inet_aton(3)).
LOOKS_LIKE_ADDRESS = r"([0-9]+|0x[0-9a-f]*)"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: what it is called in a sentence, and `of`, the end of that, for what it is a part of.

    `key` is what it stands under, `number` its place in a list, from 1.
    """

    subject: str
    of: str = ""
    key: Scalar | None = None
    number: int = 0

    def span_of(self, node: Node) -> Span:
        """Where to put the carets: under the value, or under its key when there is next to nothing to see of it."""
        hidden = isinstance(node, Scalar) and node.value is None and node.text == ""
        return self.key.span if hidden and self.key is not None else node.span


class WrongValueError(Exception):
    """`says` is the rest of a sentence that begins with what the value is called."""

    def __init__(self, says: str, hint: str) -> None:
        self.says, self.hint = says, hint


class WrongKindError(Exception):
    """`quotable`: quotes would make a good value of an unquoted number or truth value."""

    def __init__(self, expected: str, *, quotable: bool = False) -> None:
        self.expected, self.quotable = expected, quotable


def wrong_value(place: Place, wrong: WrongValueError, span: Span) -> Problem:
    return Problem(f"{place.subject} {wrong.says}", wrong.hint, span)


def wrong_kind(place: Place, node: Node, expected: str, *, quotable: bool = False, hint: str = "") -> Problem:
    """`hint` says it better than what is expected."""
    span, expected = place.span_of(node), f"Expected {expected}."
    if node.kind is Kind.NOTHING:
        return Problem(f"{place.subject} is empty", expected, span)
    if quotable and isinstance(node, Scalar) and not re.fullmatch(LOOKS_LIKE_ADDRESS, node.text):
        expected += f' To mean the text, write it in quotes: "{clipped(node.text)}".'
    what = f"the {node.kind} {quoted(node.text)}" if isinstance(node, Scalar) else f"a {node.kind}"
    return Problem(f"{place.subject} is {what}", hint or expected, span)


def unknown_key(section: "type[Section]", place: Place, key: Scalar, guess: str | None) -> Problem:
    """`guess` is the key that was meant."""
    name = key.text
    before, colon, rest = name.replace(FULL_WIDTH, ":").partition(":")
    if colon and before in section.keys:
        what = "a full-width colon" if FULL_WIDTH in name else f"`{before}:` has no space behind it"
        return Problem(what, f"Expected `{before}: {clipped(rest.strip())}`.", key.span)
    elsewhere = [f"`{name}` belongs {other.where}." for other in _meant(section) if name in other.keys]
    hints = [
        *([f"Did you mean `{guess}`?"] if guess else []),
        *elsewhere[:1],
        f"Keys here: {', '.join(section.keys)}.",
    ]
    return Problem(f"unknown key `{clipped(name)}` in {place.subject}", " ".join(hints), key.span)


def _meant(section: "type[Section]") -> "Iterator[type[Section]]":
    """Where a key may have been meant that stands in this map and is none of its own.

    A map within another is meant by what holds it, or stands beside it: `port` elsewhere is not a port of ssh.
    """
    for other in [section, *_around(section)][-1].inside():
        around = _around(other)
        if len(around) < 2 or section in around or section.holders[:1] == other.holders[:1]:
            yield other


def _around(section: "type[Section]") -> "list[type[Section]]":
    """What it stands in, the file last."""
    return [section.holders[0], *_around(section.holders[0])] if section.holders else []


def missing_keys(place: Place, node: Mapping, keys: "Iterable[Key[object]]") -> Problem:
    """The carets are under the key of the map, or under its first key: a map over many lines has no better place."""
    first = next((entry.key.span for entry in node.items), Span(node.span.line, node.span.column))
    *most, last = [f"`{key.name}`" for key in keys]
    names = f"{', '.join(most)} or {last}" if most else last
    hints = (f"{key.name}: {key.says}{_example(key)}" for key in keys)
    span = place.key.span if place.key is not None else first
    return Problem(f"{place.subject} has no {names}", "\n".join(hints), span)


def _example(key: "Key[object]") -> str:
    first = key.examples[0] if key.examples else None
    return f" For example {key.name}: {first}" if isinstance(first, str) else ""
