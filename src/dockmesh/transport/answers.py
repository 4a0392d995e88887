"""A line from a host, taken for what it must be: as many answers as were asked for, each of the same form."""

import json
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any, NamedTuple

from dockmesh.transport.requests import Answer

SHOWN = 60  # bytes of a line that is none
PORT_DIGITS = 5


class Ends(NamedTuple):
    """The two ends of an SSH connection as the host sees them. None: it does not say."""

    client: str | None = None
    address: str | None = None  # the host's own
    port: int | None = None


def read_greeting(words: Sequence[str]) -> Ends:
    """From sshd's SSH_CONNECTION: addresses and ports of client and server. `words` is empty if it is not set.

    An address is None if sshd does not know it ("UNKNOWN", session.c).
    Raises ValueError, which says what is wrong with it.
    """
    if not words:
        return Ends()
    if len(words) != 4:
        raise ValueError(f"a greeting of {len(words)} words")
    port = words[3]
    if not (port.isascii() and port.isdecimal() and len(port) <= PORT_DIGITS):
        raise ValueError(f"a greeting with a port that is none: {port[:SHOWN]!a}")
    return Ends(_address(words[0]), _address(words[2]), int(port))


def _address(word: str) -> str | None:
    if word == "UNKNOWN":
        return None
    try:
        ip_address(word)
    except ValueError:
        raise ValueError(f"a greeting with an address that is none: {word[:SHOWN]!a}") from None
    return word


def read_answers(line: bytes, asked: int, *, until_failure: bool) -> tuple[Answer, ...]:
    """Raises ValueError, which says what is wrong with it."""
    try:
        rows = json.loads(line)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        raise ValueError(f"a line that is not JSON: {line[:SHOWN]!a}") from None
    if not isinstance(rows, list):
        raise ValueError(f"a {type(rows).__name__} where a list of answers should be")  # noqa: TRY004  one kind for all that is wrong
    answers = tuple(map(_answer, rows))
    if len(answers) != asked and not (until_failure and _ended_early(answers, asked)):
        raise ValueError(f"{len(answers)} answers to {asked} requests")
    return answers


def _ended_early(answers: Sequence[Answer], asked: int) -> bool:
    return 0 < len(answers) < asked and not answers[-1].ok


def _answer(row: Any) -> Answer:
    if not isinstance(row, Mapping) or set(row) != {"code", "out", "err"}:
        raise ValueError("an answer without code, out and err, or with more")
    code, out, err = row["code"], row["out"], row["err"]
    if type(code) is not int or not isinstance(out, str) or not isinstance(err, str):
        raise ValueError("an answer whose code is no number, or whose out or err is not text")
    try:
        (out + err).encode()
    except UnicodeEncodeError:
        raise ValueError("a text that is not in Unicode") from None
    return Answer(code, out, err)
