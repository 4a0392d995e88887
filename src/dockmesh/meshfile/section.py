"""Maps of the file whose keys are declared: read into what the rules look at, and from there into the model."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

from dockmesh.meshfile.excerpt import clipped
from dockmesh.meshfile.explain import Place, missing_keys, unknown_key, wrong_kind
from dockmesh.meshfile.flow import flow
from dockmesh.meshfile.nearest import nearest
from dockmesh.meshfile.problems import SHOWN_PROBLEMS, Problem, Span
from dockmesh.meshfile.tree import Mapping, Node, Plain, Scalar
from dockmesh.meshfile.types import Located, Schema, Type

R_co = TypeVar("R_co", covariant=True)
S = TypeVar("S", bound="Section")

REQUIRED = object()  # in place of a default


class Key(Generic[R_co]):
    """One key of the file, told once.

    At a section that was read it is what stands there: None where the key is left out without a default, and where its
    value is wrong by itself. `says` is its sentence in the reference, for editors and in messages; `default` is what
    the model has without it, and `attribute` what the model calls it; `note` is what `init` writes behind it.
    """

    def __init__(
        self,
        kind: Type[R_co],
        says: str,
        default: object = REQUIRED,
        *,
        examples: tuple[Plain, ...] = (),
        note: str = "",
        attribute: str = "",
    ) -> None:
        self.type, self.says, self.default, self.note = kind, says, default, note
        self.examples = examples or kind.examples
        self.name, self.attribute = "", attribute

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name.rstrip("_")  # `from` is a word of Python
        self.attribute = self.attribute or self.name

    @overload
    def __get__(self, section: None, owner: type) -> Self: ...
    @overload
    def __get__(self, section: "Section", owner: type) -> R_co | None: ...
    def __get__(self, section: "Section | None", owner: type) -> "Self | R_co | None":
        return self if section is None else section.values.get(self.name)

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    def left_out(self, place: Place, span: Span) -> object:
        """What a section has where the key is left out."""
        if self.required or self.default is None:
            return None
        return Located(self.default, span, place.subject, given=False)

    def made(self, section: "Section") -> Any:
        found = section.values.get(self.name)
        return self.type.made(found) if found is not None and found.given else self.default

    def schema(self) -> Schema:
        default = self.type.told(self.default) if self.default is not None and not self.required else None
        shown = {} if default is None or isinstance(default, dict) else {"default": default}
        examples = {"examples": [*self.examples]} if self.examples else {}
        return {"description": self.says, **self.type.schema(), **shown, **examples}


class Section:
    """A map of the file. A subclass declares its keys; an instance is what stands at one place, or what would.

    `given`: it stands in the file. `whole`: nothing in it is wrong by itself.
    """

    title: ClassVar[str]
    where: ClassVar[str]
    example: ClassVar[dict[str, Plain]]
    expected: ClassVar[str]
    model: ClassVar[Callable[..., Any]]
    alone: ClassVar[bool] = False
    keys: ClassVar[dict[str, Key[Any]]]
    holders: ClassVar[list[type["Section"]]]

    def __init_subclass__(
        cls,
        *,
        title: str = "",
        where: str = "",
        model: Callable[..., Any] = dict,
        example: dict[str, Plain] | None = None,
        otherwise: str = "",
        expected: str = "",
        alone: bool = False,
    ) -> None:
        """`title` is for the reference, `where` says where its keys stand: "under `fabric`".

        `example` is what messages show, the keys that cannot be left out unless told; `otherwise` is said behind it.
        `alone`: a sentence names its values by their keys only. `model` is what is made of it.
        """
        cls.keys = {key.name: key for key in vars(cls).values() if isinstance(key, Key)}
        cls.title, cls.where, cls.model, cls.alone = title, where, model, alone or cls.alone
        cls.example = example or {
            key.name: key.examples[0] for key in cls.keys.values() if key.required and key.examples
        }
        cls.expected = expected or f"a map such as {flow(cls.example)}{otherwise}"
        cls.holders = []
        for key in cls.keys.values():
            for section in key.type.sections():
                section.holders.append(cls)

    def __init__(self, place: Place, span: Span, node: Mapping | None = None) -> None:
        self.place, self.span, self.node = place, span, node
        self.values: dict[str, Any] = {}
        self.given = self.whole = node is not None

    @classmethod
    def within(cls, place: Place) -> tuple[str, str]:
        """What stands before and behind a key of it where a sentence names the value: ("", " of bfd")."""
        return "", "" if cls.alone else f" of {place.subject}"

    @classmethod
    def instead_of(cls, _node: Node) -> str:
        """What is expected where this stands."""
        return cls.expected

    @classmethod
    def read(cls, node: Node, place: Place, problems: list[Problem]) -> Self:
        """What stands there; every mistake in it is told in `problems`, and hides nothing else."""
        if not isinstance(node, Mapping):
            problems.append(wrong_kind(place, node, cls.instead_of(node)))
            return cls(place, place.span_of(node))
        known = len(problems)
        section = cls.left_out(place, node.span, node)
        before, of = cls.within(place)
        meant = set()
        for name, entry in node.entries.items():
            if name in cls.keys:
                of_key = Place(f"{before}{name}{of}", of, entry.key)
                section.values[name] = cls.keys[name].type.read(entry.value, of_key, problems)
            else:
                # Comparing is slow, and past so many nobody will see it.
                guess = nearest(name, cls.keys) if len(problems) < SHOWN_PROBLEMS else None
                meant.add(guess)
                problems.append(unknown_key(cls, place, entry.key, guess))
        # A key that is only misspelt is told once.
        missing = [k for k in cls.keys.values() if k.required and k.name not in node.entries and k.name not in meant]
        if missing:
            problems.append(missing_keys(place, node, missing))
        section.whole = len(problems) == known
        return section

    @classmethod
    def left_out(cls, place: Place, span: Span, node: Mapping | None = None) -> Self:
        """With every key at its default."""
        section = cls(place, span, node)
        before, of = cls.within(place)
        for key in cls.keys.values():
            section.values[key.name] = key.left_out(Place(f"{before}{key.name}{of}", of), span)
        return section

    @property
    def under(self) -> Scalar | None:
        return self.place.key

    @property
    def label(self) -> Located[str]:
        """The name under which it stands."""
        under = self.place.key
        return Located("", self.span) if under is None else Located(under.text, under.span)

    @property
    def shown(self) -> str:
        """The same for a sentence; a wrong name may hold anything."""
        return clipped(self.label.value)

    def made(self) -> Any:
        """What the model has of it, in a file without mistakes."""
        return type(self).model(**self.parts())

    def parts(self) -> dict[str, Any]:
        """The model's attributes."""
        return {key.attribute: key.made(self) for key in self.keys.values()}

    @classmethod
    def told(cls, value: Any) -> dict[str, Plain]:
        """What stands in the file for what the model has, less what is as by default."""
        found = ((key, getattr(value, key.attribute)) for key in cls.keys.values())
        return {key.name: key.type.told(each) for key, each in found if key.required or each != key.default}

    @classmethod
    def told_whole(cls, value: Any) -> dict[str, Plain]:
        """The same with what is as by default, where the default is something."""
        found = ((key, getattr(value, key.attribute)) for key in cls.keys.values())
        return {
            key.name: {**key.section.told_whole(each)} if isinstance(key, Inner) else key.type.told(each)
            for key, each in found
            if each is not None
        }

    @classmethod
    def required(cls) -> list[str]:
        """The keys that cannot be left out."""
        return [key.name for key in cls.keys.values() if key.required]

    @classmethod
    def schema(cls) -> Schema:
        required = cls.required()
        return {
            "title": cls.title.replace("`", ""),
            "description": cls.says(),
            "type": "object",
            "properties": {key.name: key.schema() for key in cls.keys.values()},
            **({"required": required} if required else {}),
            "additionalProperties": False,
        }

    @classmethod
    def says(cls) -> str:
        return (cls.__doc__ or "").partition("\n\n")[0].replace("\n    ", " ")

    @classmethod
    def inside(cls) -> Iterator[type["Section"]]:
        """Itself, and every map of keys in it, in the order of the reference."""
        yield cls
        for key in cls.keys.values():
            for section in key.type.sections():
                yield from section.inside()


class Wrapped(Section):
    """A map with one key, which the model has without the map."""

    @classmethod
    def only(cls) -> Key[Any]:
        (key,) = cls.keys.values()
        return key

    def made(self) -> Any:
        return self.only().made(self)

    @classmethod
    def told(cls, value: Any) -> dict[str, Plain]:
        return {cls.only().name: cls.only().type.told(value)}


class Keys(Type[S]):
    """A map with the keys that a section declares."""

    shown = "map, see below"

    def __init__(self, section: type[S]) -> None:
        self.section = section

    def read(self, node: Node, place: Place, problems: list[Problem]) -> S:
        return self.section.read(node, place, problems)

    def made(self, found: S) -> Any:
        return found.made()

    def told(self, value: Any) -> Plain:
        return self.section.told(value)

    def schema(self) -> Schema:
        return self.section.schema()

    def sections(self) -> Iterator[type[Section]]:
        yield self.section

    @property
    def examples(self) -> tuple[Plain, ...]:
        return (self.section.example,)


class Inner(Key[S]):
    """A key with a map of keys of their own. For the rules it is there even if it is left out, or is no map."""

    def __init__(self, section: type[S], says: str, default: object = REQUIRED, *, note: str = "") -> None:
        super().__init__(Keys(section), says, default, note=note)
        self.section = section

    @overload
    def __get__(self, section: None, owner: type) -> Self: ...
    @overload
    def __get__(self, section: Section, owner: type) -> S: ...
    def __get__(self, section: Section | None, owner: type) -> "Self | S":
        if section is None:
            return self
        return section.values.get(self.name) or self.section(Place(self.name), section.span)

    def left_out(self, place: Place, span: Span) -> Section:
        return self.section.left_out(place, span)
