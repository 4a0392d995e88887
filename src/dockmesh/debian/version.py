"""The order of Debian versions: deb-version(7)."""

import re
from functools import cmp_to_key
from itertools import zip_longest

PARTS = re.compile(r"([^0-9]*)([0-9]*)")
END = 0  # the end of a part sorts after `~` and before everything else


def compare(one: str, other: str) -> int:
    """Below 0 if `one` is the older, above 0 if it is the newer, 0 if both are the same version."""
    for mine, theirs in zip(_split(one), _split(other), strict=True):
        if difference := _compare_part(mine, theirs):
            return difference
    return 0


sort_key = cmp_to_key(compare)


def satisfies(version: str, operator: str, wanted: str) -> bool:
    """Whether `version` stands in this relation to `wanted`; the operators are those of deb-control(5)."""
    difference = compare(version, wanted)
    match operator:
        case "<<":
            return difference < 0
        case "<=" | "<":
            return difference <= 0
        case "=":
            return difference == 0
        case ">=" | ">":
            return difference >= 0
        case _:
            return difference > 0


def _split(version: str) -> tuple[str, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, hyphen, revision = rest.rpartition("-")
    return (epoch, upstream, revision) if hyphen else (epoch, rest, "0")


def _compare_part(one: str, other: str) -> int:
    """Text and numbers by turns; text by `_order`, a number that is not there is 0."""
    for mine, theirs in zip_longest(PARTS.findall(one), PARTS.findall(other), fillvalue=("", "")):
        for a, b in zip_longest(map(_order, mine[0]), map(_order, theirs[0]), fillvalue=END):
            if a != b:
                return a - b
        a_number, b_number = _number(mine[1]), _number(theirs[1])
        if a_number != b_number:
            return -1 if a_number < b_number else 1
    return 0


def _number(digits: str) -> tuple[int, str]:
    """What sorts as the number does, of however many digits: Python makes no number of more than 4,300."""
    shortest = digits.lstrip("0")
    return len(shortest), shortest


def _order(character: str) -> int:
    """`~` before the end, then letters, then the rest."""
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256
