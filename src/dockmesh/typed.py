"""Whether a value is what its annotations say, down to its last part: what a host said may be of any form.

The readers of answers take them apart by names and places, and Python asks nobody what stands there. A list where a
name should be passes them all, and breaks what puts the hosts together, for all of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Check = Callable[[Any], bool]


def of_its_type(value: T) -> T:
    """The value, a dataclass, as it came.

    Raises TypeError, which names the field.

    >>> from dockmesh.facts.types import FileState
    >>> of_its_type(FileState("text", "0644"))
    Traceback (most recent call last):
        ...
    TypeError: mode of FileState is a str
    """
    _ask_fields(value)
    return value


def _ask_fields(value: Any) -> bool:
    kind: Any = type(value)
    for name, fits in _checks(kind):
        part = getattr(value, name)
        if not fits(part):
            raise TypeError(f"{name} of {kind.__name__} is {_shown(part)}")
    return True


def _shown(part: Any) -> str:
    return "a text that cannot be written" if isinstance(part, str) else f"a {type(part).__name__}"


@cache
def _checks(kind: Any) -> tuple[tuple[str, Check], ...]:
    hints = get_type_hints(kind)
    return tuple((each.name, _check(hints[each.name])) for each in fields(kind))


@cache
def _check(hint: Any) -> Check:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        either = tuple(map(_check, arguments))
        return lambda value: any(fits(value) for fits in either)
    if origin is tuple and arguments[-1:] != (...,):
        return _tuple_of(tuple(map(_check, arguments)))
    if origin in (tuple, frozenset):
        member = _check(arguments[0])
        return lambda value: isinstance(value, origin) and all(map(member, value))
    if origin is not None and issubclass(origin, Mapping):
        key, member = map(_check, arguments)
        return lambda value: isinstance(value, Mapping) and all(key(k) and member(v) for k, v in value.items())
    if hint in (None, NoneType):
        return lambda value: value is None
    return _plain(hint)


def _tuple_of(members: tuple[Check, ...]) -> Check:
    return lambda value: (
        isinstance(value, tuple)
        and len(value) == len(members)
        and all(fits(each) for fits, each in zip(members, value, strict=True))
    )


def _plain(hint: Any) -> Check:
    if hint is str:
        return _is_text
    if hint is int:
        return lambda value: isinstance(value, int) and not isinstance(value, bool)
    if hint is float:
        return lambda value: isinstance(value, int | float) and not isinstance(value, bool)
    if is_dataclass(hint):
        return lambda value: isinstance(value, hint) and _ask_fields(value)  # type: ignore[arg-type]
    return lambda value: isinstance(value, hint)


def _is_text(value: Any) -> bool:
    """One that any file and any terminal takes: JSON can name halves of characters, which no encoding has."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
