"""What shapes read, and what they find wrong; how it is told, the golden files of tests/cases/spec have."""

from enum import StrEnum
from typing import Annotated, Any

import pytest

from dockmesh.spec.section import Forms, Section, field
from dockmesh.spec.shape import Fault, Flaw, ListOf, MapOf, OneOf, Shape, Value, WrongValueError


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def read_small(value: object) -> object:
    if not isinstance(value, str) or len(value) > 3:
        raise WrongValueError("is not small", "Make it smaller.")
    return value


SMALL = Value(read_small, {"type": "string", "pattern": "^.{0,3}$"})


class Inner(Section, title="Inner"):
    """Within."""

    one: Annotated[str, SMALL] = field(description="The one.")
    two: Annotated[str, SMALL] = field(description="The other.", default="two", named="class")


class Outer(Section, title="Outer"):
    """Around."""

    inner: Inner = field(description="What is within.", factory=lambda: Inner(one="a"))
    colour: Annotated[Colour, OneOf(lambda value: Colour(str(value)), Colour)] = field(
        description="Its colour.", default=Colour.RED
    )


FORM = Forms("By name", ("first", "second"), {"one": Inner, "class": Inner})


def flaws_of(shape: Shape, value: object) -> list[tuple[Fault, tuple[str | int, ...]]]:
    flaws: list[Flaw] = []
    shape.read(value, (), flaws)
    return [(flaw.fault, flaw.path) for flaw in flaws]


def test_a_section_has_what_the_file_says_and_defaults_for_the_rest() -> None:
    flaws: list[Flaw] = []

    found = Outer.read({"inner": {"one": "x"}}, (), flaws)

    assert flaws == []
    assert found is not None
    assert (found.inner.one, found.inner.two, found.colour) == ("x", "two", Colour.RED)
    assert Outer().inner.one == "a"


@pytest.mark.parametrize(
    ("shape", "value", "found"),
    [
        (Inner, "text", [(Fault.NO_MAP, ())]),
        (Inner, {}, [(Fault.MISSING, ("one",))]),
        (Inner, {"one": "x", "two": "y"}, [(Fault.UNKNOWN, ("two",))]),
        (Inner, {"one": "long", "class": "longer"}, [(Fault.VALUE, ("one",)), (Fault.VALUE, ("class",))]),
        (ListOf(SMALL), {"a": 1}, [(Fault.NO_LIST, ())]),
        (ListOf(SMALL, 2, 2), ["a"], [(Fault.LENGTH, ())]),
        (ListOf(SMALL, 2, 2), ["a", "b", "long"], [(Fault.LENGTH, ())]),
        (ListOf(SMALL, 2), ["long"], [(Fault.VALUE, (0,))]),
        (MapOf(SMALL, SMALL), ["a"], [(Fault.NO_MAP, ())]),
        (MapOf(SMALL, SMALL), {"name": "long"}, [(Fault.VALUE, ("name",)), (Fault.VALUE, ("name",))]),
        (FORM, "third", [(Fault.NO_NAME, ())]),
        (FORM, {"three": 1}, [(Fault.NO_FORM, ())]),
        (FORM, ["first"], [(Fault.NO_FORM, ())]),
        (FORM, {"class": "x"}, [(Fault.MISSING, ("one",))]),
    ],
)
def test_every_flaw_has_its_place(shape: Shape, value: object, found: list[tuple[Fault, Any]]) -> None:
    assert flaws_of(shape, value) == found


def test_the_last_of_two_forms_counts() -> None:
    assert flaws_of(FORM, {"one": "x", "class": "y"}) == []
    assert flaws_of(Forms("By name", (), {"class": Inner, "inner": Outer}), {"class": "x", "inner": {"one": "y"}}) == [
        (Fault.UNKNOWN, ("class",))
    ]


def test_a_schema_names_its_sections_and_enumerations_and_no_default_that_is_none() -> None:
    definitions: dict[str, Any] = {}

    assert Outer.schema(definitions) == {"$ref": "#/$defs/Outer"}

    assert sorted(definitions) == ["Colour", "Inner", "Outer"]
    assert definitions["Inner"]["required"] == ["one"]
    assert definitions["Outer"]["properties"]["colour"] == {
        "$ref": "#/$defs/Colour",
        "default": "red",
        "description": "Its colour.",
        "title": "colour",
    }
    assert "default" not in definitions["Outer"]["properties"]["inner"]
