"""What may stand at a place of the file: how it is read, described to editors, shown in the reference, and written.

A type is told once. The single values are in `values`, maps with keys of their own in `section`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from dockmesh.meshfile.excerpt import quoted
from dockmesh.meshfile.explain import Place, WrongKindError, WrongValueError, wrong_kind, wrong_value
from dockmesh.meshfile.nearest import did_you_mean
from dockmesh.meshfile.problems import Problem, Span
from dockmesh.meshfile.tree import Node, Plain, Scalar

if TYPE_CHECKING:
    from dockmesh.meshfile.section import Section

Schema = dict[str, Any]
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Located(Generic[T_co]):
    """A value with its place. `subject` is what it is called in a sentence, `pool of host3`.

    `under` is the key that it stands under. `given`: it stands in the file, and is no default. `whole`: nothing that
    stands in it is wrong by itself.
    """

    value: T_co
    span: Span
    subject: str = ""
    under: Scalar | None = None
    given: bool = True
    whole: bool = True

    @property
    def line(self) -> int:
        return self.span.line


class Type(Generic[R]):
    """R is what reading gives: a `Located` value, or a section."""

    shown: str  # in the reference

    def read(self, node: Node, place: Place, problems: list[Problem]) -> R | None:
        """What stands there; None, and a problem more, where it is wrong by itself."""
        raise NotImplementedError

    def made(self, found: R) -> Any:
        """What the model has for what was read, of a file without mistakes."""
        raise NotImplementedError

    def told(self, value: Any) -> Plain:
        """What stands in the file for what the model has."""
        raise NotImplementedError

    def schema(self) -> Schema:
        """JSON Schema, draft 2020-12."""
        raise NotImplementedError

    def sections(self) -> Iterator["type[Section]"]:
        """The maps with keys of their own that may stand there."""
        return iter(())

    @property
    def examples(self) -> tuple[Plain, ...]:
        return ()


class Single(Type[Located[T]]):
    """One value. `of` takes what YAML gave, and raises `WrongValueError` or `WrongKindError`; it never guesses."""

    def of(self, value: object) -> T:
        raise NotImplementedError

    def read(self, node: Node, place: Place, problems: list[Problem]) -> Located[T] | None:
        span = place.span_of(node)
        try:
            return Located(self.of(node.value if isinstance(node, Scalar) else node), span, place.subject, place.key)
        except WrongValueError as wrong:
            problems.append(wrong_value(place, wrong, span))
        except WrongKindError as wrong:
            problems.append(wrong_kind(place, node, wrong.expected, quotable=wrong.quotable))
        return None

    def made(self, found: Located[T]) -> Any:
        return found.value

    def told(self, value: Any) -> Plain:
        return value if isinstance(value, bool | int) else str(value)


@dataclass(frozen=True)
class Text(Single[T]):
    """Text of a form. `quotable`: quotes would make a good value of what YAML takes for a number or truth value."""

    shown: str
    expected: str
    reader: Callable[[str], T]
    pattern: str = ""
    quotable: bool = False
    described: Schema = field(default_factory=dict)  # where a pattern alone does not say it

    def of(self, value: object) -> T:
        if not isinstance(value, str):
            raise WrongKindError(self.expected, quotable=self.quotable)
        return self.reader(value)

    def schema(self) -> Schema:
        return self.described or {"type": "string", "pattern": f"^{self.pattern}$"}


@dataclass(frozen=True)
class OrFalse(Single[T | None]):
    """Text, or `false` for None."""

    text: Text[T]
    shown: str

    def of(self, value: object) -> T | None:
        return None if value is False else self.text.of(value)

    def told(self, value: Any) -> Plain:
        return False if value is None else self.text.told(value)

    def schema(self) -> Schema:
        return {"anyOf": [self.text.schema(), {"const": False}]}


@dataclass(frozen=True)
class WholeNumber(Single[int]):
    """From `low` to `high`, both allowed; `unit` is for people."""

    low: int
    high: int
    unit: str = ""

    @property
    def shown(self) -> str:  # type: ignore[override]
        return f"{self.low} to {self.high}"

    def of(self, value: object) -> int:
        # `bool` is an `int` to Python and never to a person.
        if not isinstance(value, int) or isinstance(value, bool):
            raise WrongKindError(f"{self}, in plain decimal digits")
        if not self.low <= value <= self.high:
            raise WrongValueError(
                f"is {value}, which is too {'small' if value < self.low else 'large'}", f"Expected {self}."
            )
        return value

    def __str__(self) -> str:
        return f"a whole number from {self.low} to {self.high}{self.unit}"

    def schema(self) -> Schema:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


Choice_ = TypeVar("Choice_", bound=StrEnum)


@dataclass(frozen=True)
class Choice(Single[Choice_]):
    """The name of a member."""

    members: type[Choice_]

    @property
    def shown(self) -> str:  # type: ignore[override]
        return r" \| ".join(f"`{member}`" for member in self.members)

    def of(self, value: object) -> Choice_:
        names = [member.value for member in self.members]
        if not isinstance(value, str):
            raise WrongKindError(_joined(names, "or"))
        if value not in names:
            has = f"This version has {_joined(names, 'and')}."
            raise WrongValueError(f"is {quoted(value)}, which does not exist", has + did_you_mean(value, names))
        return self.members(value)

    def schema(self) -> Schema:
        return {"type": "string", "enum": [member.value for member in self.members]}


def _joined(names: list[str], word: str) -> str:
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last


class Truth(Single[bool]):
    shown = r"`true` \| `false`"

    def of(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise WrongKindError("true or false")
        return value

    def schema(self) -> Schema:
        return {"type": "boolean"}
