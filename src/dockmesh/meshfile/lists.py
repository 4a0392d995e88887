"""Lists, and maps by names that are free to choose."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from dockmesh.meshfile.excerpt import clipped, quoted
from dockmesh.meshfile.explain import Place, WrongValueError, wrong_kind, wrong_value
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.tree import Mapping, Node, Plain, Scalar, Sequence, plain
from dockmesh.meshfile.types import Located, Schema, Text, Type

if TYPE_CHECKING:
    from dockmesh.meshfile.section import Section

R = TypeVar("R")


class Placed(Protocol):
    """What stands under a key."""

    @property
    def under(self) -> Scalar | None: ...


P = TypeVar("P", bound=Placed)


@dataclass(frozen=True)
class ListOf(Type[Located[tuple[R, ...]]]):
    """`name` is that of an item, for messages; with `of_itself` it is called an item of the list, `end 2 of link 1`."""

    item: Type[R]
    name: str
    expected: str
    shown: str
    least: int = 1
    most: int | None = None
    of_itself: bool = False
    described: Schema = field(default_factory=dict)  # what the schema says more

    def read(self, node: Node, place: Place, problems: list[Problem]) -> Located[tuple[R, ...]] | None:
        span = place.span_of(node)
        if not isinstance(node, Sequence):
            problems.append(wrong_kind(place, node, self.expected))
            return None
        count = len(node.items)
        if count < self.least or count > (self.most or count):
            has = f"has {count} {self.name}{'' if count == 1 else 's'}" if self.most else "is empty"
            problems.append(Problem(f"{place.subject} {has}", f"Expected {self.expected}.", span))
            return None
        known = len(problems)
        of = f" of {place.subject}" if self.of_itself else place.of
        found = (
            self.item.read(item.value, Place(f"{self.name} {number}{of}", of, number=number), problems)
            for number, item in enumerate(node.items, 1)
        )
        items = tuple(each for each in found if each is not None)
        return Located(items, span, place.subject, place.key, whole=len(problems) == known)

    def made(self, found: Located[tuple[R, ...]]) -> Any:
        return tuple(map(self.item.made, found.value))

    def told(self, value: Any) -> Plain:
        return [*map(self.item.told, value)]

    def schema(self) -> Schema:
        most = {"maxItems": self.most} if self.most else {}
        return {"type": "array", "items": self.item.schema(), "minItems": self.least, **most, **self.described}

    def sections(self) -> Iterator["type[Section]"]:
        return self.item.sections()

    @property
    def examples(self) -> tuple[Plain, ...]:
        return tuple([example] for example in self.item.examples[:1])


class JsonObject(Type[Located[dict[str, Located[Plain]]]]):
    """A map that somebody else reads, with what JSON has; its keys are theirs, and located."""

    shown = "map"
    KEY = r"[a-z][a-z0-9-]*"

    def read(self, node: Node, place: Place, problems: list[Problem]) -> Located[dict[str, Located[Plain]]] | None:
        if not isinstance(node, Mapping):
            problems.append(wrong_kind(place, node, "a map such as {log-driver: journald}"))
            return None
        known = len(problems)
        for name, entry in node.entries.items():
            if isinstance(entry.key.value, str) and not re.fullmatch(self.KEY, name):
                hint = "Expected lower-case letters, digits and hyphens, as Docker's documentation has them."
                problems.append(Problem(f"{clipped(name)} is not a key of daemon.json", hint, entry.key.span))
            problems += _no_numbers(entry.value, place)
        found = {name: Located(plain(each.value), each.key.span) for name, each in node.entries.items()}
        return Located(found, place.span_of(node), place.subject, place.key, whole=len(problems) == known)

    def made(self, found: Located[dict[str, Located[Plain]]]) -> dict[str, Plain]:
        return {name: each.value for name, each in found.value.items()}

    def told(self, value: Any) -> Plain:
        return {**value}

    def schema(self) -> Schema:
        return {"type": "object", "propertyNames": {"pattern": f"^{self.KEY}$"}}


def _no_numbers(node: Node, place: Place) -> Iterator[Problem]:
    """Of numbers that YAML versions disagree on; JSON has none of them."""
    match node:
        case Scalar(value=float(), text=text, span=span):
            hint = f'Expected plain decimal digits. To mean the text, write it in quotes: "{clipped(text)}".'
            yield Problem(f"{place.subject} has the number {quoted(text)}", hint, span)
        case Sequence() | Mapping():
            for item in node.items:
                yield from _no_numbers(item.value, place)


@dataclass(frozen=True)
class MapOf(Type[Located[tuple[P, ...]]]):
    """A map by names that are free to choose; `name` says what is named, and `entry` what its value is called."""

    key: Text[str]
    item: Type[P]
    name: str
    expected: str
    shown: str = "map by name, see below"
    entry: str = ""  # before the name
    least: int = 0
    of_list: str = ""  # the hint for a list in its place
    pairs: Callable[[Any], Iterable[tuple[str, Any]]] = tuple  # names and values of what the model has

    def read(self, node: Node, place: Place, problems: list[Problem]) -> Located[tuple[P, ...]] | None:
        span = place.span_of(node)
        if not isinstance(node, Mapping):
            hint = self.of_list if isinstance(node, Sequence) else ""
            problems.append(wrong_kind(place, node, self.expected, hint=hint))
            return None
        known = len(problems)
        items = []
        for name, entry in node.entries.items():
            if isinstance(entry.key.value, str):  # else that was told when the tree was made
                try:
                    self.key.of(name)
                except WrongValueError as wrong:
                    problems.append(wrong_value(Place(f"{self.name} name"), wrong, entry.key.span))
            item = self.item.read(
                entry.value, Place(f"{self.entry}{clipped(name)}{place.of}", place.of, entry.key), problems
            )
            items += [] if item is None else [item]
        whole = len(problems) == known and not node.repeated
        return Located(tuple(items), span, place.subject, place.key, whole=whole)

    def made(self, found: Located[tuple[P, ...]]) -> Any:
        return {each.under.text: self.item.made(each) for each in found.value if each.under is not None}

    def told(self, value: Any) -> Plain:
        return {name: self.item.told(each) for name, each in self.pairs(value)}

    def schema(self) -> Schema:
        names = {"propertyNames": {"pattern": f"^{self.key.pattern}$"}, "additionalProperties": self.item.schema()}
        return {"type": "object", **({"minProperties": self.least} if self.least else {}), **names}

    def sections(self) -> Iterator["type[Section]"]:
        return self.item.sections()
