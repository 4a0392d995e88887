import pytest

from dockmesh.record.applied import Applied, read, write

RECORD = Applied(
    "prod", "0.2.0", "2026-11-26T12:00:00+00:00", "20261126-1200-a1", ("host1", "host2"), {"docker0 MTU": "1462"}
)


def test_what_was_written_is_read_again() -> None:
    assert read(write(RECORD)) == RECORD


def test_the_same_record_is_the_same_text() -> None:
    other = Applied("prod", "0.2.0", RECORD.when, RECORD.run, RECORD.hosts, {"b": "2", "a": "1"})

    assert write(other) == write(Applied("prod", "0.2.0", RECORD.when, RECORD.run, RECORD.hosts, {"a": "1", "b": "2"}))


@pytest.mark.parametrize("text", [None, "", "{", "[]", "null", "{}", '{"expected": []}', '{"expected": 1}', "\0"])
def test_a_missing_or_broken_record_is_none(text: str | None) -> None:
    assert read(text) is None


def test_what_a_later_version_adds_is_no_matter_and_what_is_missing_is_empty() -> None:
    assert read('{"expected": {"a": "1"}, "mesh": "prod", "more": [1]}') == Applied("prod", "", "", expected={"a": "1"})


def test_another_time_or_run_is_the_same_record_and_another_value_is_not() -> None:
    later = Applied("prod", "0.2.0", "2026-11-27T12:00:00+00:00", "another", RECORD.hosts, RECORD.expected)
    other = Applied("prod", "0.2.0", RECORD.when, RECORD.run, RECORD.hosts, {"docker0 MTU": "1400"})

    assert RECORD.says_the_same(later)
    assert not RECORD.says_the_same(other)
    assert not RECORD.says_the_same(None)
