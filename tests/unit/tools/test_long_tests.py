"""The page of `make test-long`: what it says is read again as it was written, and only what passed stands."""

from dataclasses import replace

from tools.long_tests import Result, commit, page, read, stands, taken_of

RESULT = Result("tests/lab/test_x.py", 7, 0, 1, 312, "2026-11-30 23:50", "32402d6")


def test_the_page_is_read_as_it_was_written() -> None:
    other = replace(RESULT, file="tests/lab/test_a.py", failed=2)

    assert read(page([RESULT, other])) == {RESULT.file: RESULT, other.file: other}
    assert page([RESULT, other]) == page([other, RESULT])


def test_what_failed_or_ran_nothing_or_ran_at_an_unknown_commit_runs_again() -> None:
    at_head = replace(RESULT, commit=commit().removesuffix(" and changes"))

    assert not stands(replace(at_head, failed=1))
    assert not stands(replace(at_head, passed=0))
    assert not stands(replace(RESULT, commit="0000000"))


def test_a_file_hangs_on_those_that_it_takes_something_of() -> None:
    assert taken_of("tests/lab/test_names.py") == {"tests/lab/test_names.py"}
    assert taken_of("tests/lab/test_attach.py") >= {"tests/lab/test_networks.py", "tests/lab/test_destroy.py"}
