"""What is taken for the answers of a host."""

import json
from typing import Any

import pytest

from dockmesh.transport.answers import Ends, read_answers, read_greeting
from dockmesh.transport.requests import Answer

GOOD = {"code": 0, "out": "é", "err": ""}
BAD = {"code": 1, "out": "", "err": "no"}


def read(rows: Any, asked: int, *, until_failure: bool = False) -> tuple[Answer, ...]:
    return read_answers(json.dumps(rows).encode(), asked, until_failure=until_failure)


def test_answers_are_as_many_as_were_asked_for() -> None:
    assert read([GOOD, BAD], 2) == (Answer(0, "é", ""), Answer(1, "", "no"))
    assert read([], 0) == ()


def test_after_a_failure_there_may_be_none() -> None:
    assert read([GOOD, BAD], 9, until_failure=True) == (Answer(0, "é", ""), Answer(1, "", "no"))


@pytest.mark.parametrize(
    ("rows", "asked", "until_failure"),
    [([GOOD], 2, False), ([GOOD, GOOD], 1, False), ([GOOD], 2, True), ([BAD, BAD], 1, True), ([], 1, True)],
)
def test_another_number_is_no_answer(rows: list[Any], asked: int, until_failure: bool) -> None:
    with pytest.raises(ValueError, match="answers to"):
        read(rows, asked, until_failure=until_failure)


@pytest.mark.parametrize(
    "row",
    [
        7,
        None,
        [],
        {},
        {**GOOD, "code": "0"},
        {**GOOD, "code": True},
        {**GOOD, "code": 0.5},
        {**GOOD, "out": None},
        {**GOOD, "err": ["x"]},
        {**GOOD, "more": 1},
        {**GOOD, "out": "\ud800"},
    ],
)
def test_another_form_is_no_answer(row: Any) -> None:
    with pytest.raises(ValueError, match=r"answer|text"):
        read([row], 1)


@pytest.mark.parametrize("line", [b"", b"\n", b"\xff", b"{", b"[" * 100_000, b"NaN"])
def test_what_is_no_list_in_json_is_no_answer(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|where a list"):
        read_answers(line, 1, until_failure=False)


def test_a_greeting_says_where_the_connection_arrived() -> None:
    assert read_greeting(["192.0.2.9", "50000", "192.0.2.1", "22"]) == Ends("192.0.2.9", "192.0.2.1", 22)
    assert read_greeting(["2001:db8::9", "50000", "fe80::1%eth0", "65535"]) == Ends(
        "2001:db8::9", "fe80::1%eth0", 65535
    )


def test_a_greeting_without_a_connection_says_nothing() -> None:
    assert read_greeting([]) == Ends()
    assert read_greeting(["UNKNOWN", "65535", "UNKNOWN", "65535"]) == Ends(None, None, 65535)


@pytest.mark.parametrize(
    "words", ["a", "a 1 b 2", "192.0.2.9 1 192.0.2.1 ²", "192.0.2.9 1 192.0.2.1 123456", "192.0.2.9 1 192.0.2.1 -1"]
)
def test_a_greeting_of_another_form_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="a greeting"):
        read_greeting(words.split())
