"""Sections of a mesh file: maps with keys of ours, declared as classes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self, get_args

from dockmesh.spec.nodes import TreePath
from dockmesh.spec.shape import Definitions, Fault, Flaw, JsonSchema, Shape, define, given

REQUIRED = ...


@dataclass(frozen=True, slots=True)
class Field:
    """What `field` was told."""

    description: str
    default: Any
    factory: Callable[[], Any] | None
    examples: Sequence[Any]
    named: str | None
    json: JsonSchema


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a section, and the attribute that has its value."""

    attribute: str
    shape: Shape
    field: Field

    @property
    def required(self) -> bool:
        return self.field.default is REQUIRED and self.field.factory is None

    def make_default(self) -> Any:
        return self.field.factory() if self.field.factory else self.field.default

    def schema(self, name: str, definitions: Definitions) -> JsonSchema:
        """In the order of the alphabet, as the rest of the schema is."""
        default = None if self.field.default is REQUIRED else self.field.default
        more = {
            # None says that there is none; "default: null" would tell editors that null may be written.
            "default": default.value if isinstance(default, StrEnum) else default,
            "description": self.field.description,
            "examples": list(self.field.examples) or None,
            "title": name,
        }
        return dict(sorted({**self.shape.schema(definitions), **given(more), **self.field.json}.items()))


def field(
    *,
    description: str,
    default: Any = REQUIRED,
    factory: Callable[[], Any] | None = None,
    examples: Sequence[Any] = (),
    named: str | None = None,
    json: JsonSchema | None = None,
) -> Any:
    """A key of a section, required if it has no default.

    `named` is its name in the file where Python has that word; `json` is what its JSON Schema says beside its shape.
    """
    return Field(description, default, factory, examples, named, json or {})


class Section:
    """A map with keys of ours.

    The annotated attributes of a subclass are its keys: each is `Annotated` with its shape, or is a section itself.
    """

    title: ClassVar[str]
    keys: ClassVar[Mapping[str, Key]]  # by the names that they have in the file

    def __init_subclass__(cls, title: str) -> None:
        cls.title = title
        fields = {name: cls.__dict__[name] for name in cls.__annotations__}
        cls.keys = {
            found.named or name: Key(name, _shape_of(cls.__annotations__[name]), found)
            for name, found in fields.items()
        }

    def __init__(self, **values: object) -> None:
        for key in self.keys.values():
            name = key.attribute
            setattr(self, name, values[name] if name in values else key.make_default())

    @classmethod
    def read(cls, value: object, path: TreePath, flaws: list[Flaw]) -> Self | None:
        """The section as an object; worth nothing if a flaw was added."""
        if not isinstance(value, dict):
            flaws.append(Flaw(Fault.NO_MAP, path))
            return None
        values = {}
        for name, key in cls.keys.items():
            if name in value:
                values[key.attribute] = key.shape.read(value[name], (*path, name), flaws)
            elif key.required:
                flaws.append(Flaw(Fault.MISSING, (*path, name), section=cls))
        flaws += [Flaw(Fault.UNKNOWN, (*path, name), section=cls) for name in value if name not in cls.keys]
        return cls(**values)

    @classmethod
    def schema(cls, definitions: Definitions) -> JsonSchema:
        return define(definitions, cls.__name__, cls.body(definitions))

    @classmethod
    def body(cls, definitions: Definitions) -> JsonSchema:
        """The schema itself, where `schema` has a reference to it."""
        required = [name for name, key in cls.keys.items() if key.required]
        return {
            "additionalProperties": False,
            "description": cls.__doc__,
            "properties": {name: key.schema(name, definitions) for name, key in cls.keys.items()},
            **given({"required": required or None}),
            "title": cls.title,
            "type": "object",
        }


@dataclass(frozen=True, slots=True)
class Forms:
    """A word, or a map that is known by its one key; of several such keys the last counts, the others are unknown."""

    title: str
    names: tuple[str, ...]
    maps: Mapping[str, type[Section]]

    def read(self, value: object, path: TreePath, flaws: list[Flaw]) -> Any:
        if isinstance(value, str):
            return value if value in self.names else flaws.append(Flaw(Fault.NO_NAME, path))
        for key, section in reversed(tuple(self.maps.items())):
            if isinstance(value, dict) and key in value:
                return section.read(value, path, flaws)
        return flaws.append(Flaw(Fault.NO_FORM, path))

    def schema(self, definitions: Definitions) -> JsonSchema:
        names = {"enum": list(self.names), "title": self.title, "type": "string"}
        return {"oneOf": [names, *(section.schema(definitions) for section in self.maps.values())]}


def _shape_of(annotation: Any) -> Shape:
    shape: Shape = get_args(annotation)[-1] if hasattr(annotation, "__metadata__") else annotation
    return shape
