"""Shapes that values of a mesh file may have: each reads one, says what is wrong with it, and knows its JSON Schema.

Why not pydantic: docs/decisions/0007-shapes-of-our-own.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, Any, Protocol

from dockmesh.spec.nodes import TreePath

if TYPE_CHECKING:
    from dockmesh.spec.section import Section

JsonSchema = Mapping[str, Any]
Definitions = dict[str, JsonSchema]


class WrongValueError(ValueError):
    """Of the right kind, and wrong; `says` is the rest of a sentence that starts with the name of the key."""

    def __init__(self, says: str, hint: str) -> None:
        super().__init__(says)
        self.says, self.hint = says, hint


class WrongKindError(ValueError):
    """Something else than what is `expected`; `text`: quotes would make a valid value of a number or truth value."""

    def __init__(self, expected: str, *, text: bool) -> None:
        super().__init__(expected)
        self.expected, self.text = expected, text


class Fault(Enum):
    VALUE = auto()  # `refusal` has the words
    NO_MAP = auto()
    NO_LIST = auto()
    LENGTH = auto()
    NO_NAME = auto()  # a word that is none of the names
    NO_FORM = auto()
    MISSING = auto()  # a key of `section`
    UNKNOWN = auto()  # a key that `section` has not


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with the value at a path, or with the key at its end."""

    fault: Fault
    path: TreePath
    refusal: WrongValueError | WrongKindError | None = None
    about_key: bool = False
    section: "type[Section] | None" = None


class Shape(Protocol):
    def read(self, value: object, path: TreePath, flaws: list[Flaw]) -> Any:
        """The value as the program takes it; worth nothing if a flaw was added."""

    def schema(self, definitions: Definitions) -> JsonSchema:
        """Its JSON Schema; what has a name goes into `definitions`."""


@dataclass(frozen=True, slots=True)
class Value:
    """A single value. `reader` raises WrongValueError and WrongKindError."""

    reader: Callable[[object], Any]
    json: JsonSchema

    def read(self, value: object, path: TreePath, flaws: list[Flaw]) -> Any:
        return _read(self.reader, value, path, flaws)

    def schema(self, definitions: Definitions) -> JsonSchema:  # noqa: ARG002
        return self.json


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of the names of an enumeration. `reader` raises WrongValueError and WrongKindError."""

    reader: Callable[[object], Any]
    choices: type[StrEnum]

    def read(self, value: object, path: TreePath, flaws: list[Flaw]) -> Any:
        return _read(self.reader, value, path, flaws)

    def schema(self, definitions: Definitions) -> JsonSchema:
        names = [each.value for each in self.choices]
        return define(
            definitions, self.choices.__name__, {"enum": names, "title": self.choices.__name__, "type": "string"}
        )


@dataclass(frozen=True, slots=True)
class ListOf:
    item: Shape
    least: int = 0
    most: int | None = None

    def read(self, value: object, path: TreePath, flaws: list[Flaw]) -> Any:
        if not isinstance(value, list):
            return flaws.append(Flaw(Fault.NO_LIST, path))
        if self.most is not None and len(value) > self.most:
            return flaws.append(Flaw(Fault.LENGTH, path))
        before = len(flaws)
        items = [self.item.read(item, (*path, index), flaws) for index, item in enumerate(value)]
        if len(flaws) == before and len(items) < self.least:
            flaws.append(Flaw(Fault.LENGTH, path))
        return items

    def schema(self, definitions: Definitions) -> JsonSchema:
        limits = {"minItems": self.least or None, "maxItems": self.most}
        return {"items": self.item.schema(definitions), "type": "array", **given(limits)}


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map by names of the user's."""

    name: Value
    item: Shape

    def read(self, value: object, path: TreePath, flaws: list[Flaw]) -> Any:
        if not isinstance(value, dict):
            return flaws.append(Flaw(Fault.NO_MAP, path))
        found = {}
        for name, item in value.items():
            _read(self.name.reader, name, (*path, name), flaws, about_key=True)
            found[name] = self.item.read(item, (*path, name), flaws)
        return found

    def schema(self, definitions: Definitions) -> JsonSchema:
        names = {"pattern": self.name.json["pattern"]}
        return {"additionalProperties": self.item.schema(definitions), "propertyNames": names, "type": "object"}


def _read(
    reader: Callable[[object], Any], value: object, path: TreePath, flaws: list[Flaw], *, about_key: bool = False
) -> Any:
    try:
        return reader(value)
    except (WrongValueError, WrongKindError) as refusal:
        flaws.append(Flaw(Fault.VALUE, path, refusal, about_key))


def define(definitions: Definitions, name: str, body: JsonSchema) -> JsonSchema:
    """Put a schema where others can refer to it; what they refer by."""
    definitions[name] = body
    return {"$ref": f"#/$defs/{name}"}


def given(words: JsonSchema) -> JsonSchema:
    return {name: value for name, value in words.items() if value is not None}
