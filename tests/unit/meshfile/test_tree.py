"""What a plain scalar of YAML 1.2 means."""

import math

import pytest

from dockmesh.meshfile.tree import resolve


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "off", "y", "1:30", "190:20:30", "2015-06-01", "1.1.1.1", "tRue", "0o8"]
)
def test_what_old_yaml_took_for_something_else_is_text(text: str) -> None:
    assert resolve(text) == text


@pytest.mark.parametrize("text", ["010", "0o10", "0x5dc", "1_500", "1.10", "1e3", "+1", ".inf", ".nan", "9" * 5000])
def test_numbers_that_readers_disagree_on_are_numbers_without_a_value(text: str) -> None:
    value = resolve(text)

    assert isinstance(value, float)
    assert math.isnan(value)


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("-1", -1), ("1500", 1500), ("true", True), ("~", None), ("", None)]
)
def test_plain_numbers_and_truth_values_are_what_they_look_like(text: str, value: object) -> None:
    assert resolve(text) is value or resolve(text) == value
