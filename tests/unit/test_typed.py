from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import IPv4Address
from typing import Any

import pytest

from dockmesh.typed import of_its_type


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Part:
    name: str
    number: int | None = None


@dataclass(frozen=True)
class Whole:
    part: Part = field(default_factory=lambda: Part("a"))
    parts: tuple[Part, ...] = ()
    pair: tuple[str, int] = ("a", 1)
    names: frozenset[str] = frozenset()
    by_name: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    seconds: float = 1
    address: IPv4Address = field(default_factory=lambda: IPv4Address("192.0.2.1"))
    colour: Colour = Colour.RED
    on: bool = True


def test_what_is_of_its_types_comes_back() -> None:
    whole = Whole(parts=(Part("b", 2),), names=frozenset({"x"}), by_name={"x": ("y",)}, seconds=2.5)

    assert of_its_type(whole) is whole


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("part", None),
        ("part", {"name": "a"}),
        ("part", Part(7)),  # type: ignore[arg-type]
        ("parts", [Part("a")]),
        ("parts", (Part("a"), "b")),
        ("parts", (Part("a", "2"),)),  # type: ignore[arg-type]
        ("pair", ("a", "1")),
        ("pair", ("a", 1, 1)),
        ("names", {"x"}),
        ("names", frozenset({1})),
        ("by_name", {"x": "y"}),
        ("by_name", {1: ("y",)}),
        ("by_name", []),
        ("seconds", "1"),
        ("seconds", True),
        ("address", "192.0.2.1"),
        ("colour", "blue"),
        ("on", 1),
        ("part", Part("\ud800")),
        ("part", Part("a", True)),
    ],
)
def test_what_is_not_is_refused_with_its_name(name: str, value: Any) -> None:
    with pytest.raises(TypeError):
        of_its_type(replace(Whole(), **{name: value}))
