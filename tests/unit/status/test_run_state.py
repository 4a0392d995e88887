import pytest

from dockmesh.status.run_state import HostRuns, RunEntry, is_held, read_run, read_runs
from dockmesh.transport.requests import Answer

NONE = Answer(2)
# A file of device 0:25, inode 1234: held by process 77; another one waits for it.
LOCKS = """\
1: POSIX  ADVISORY  WRITE 900 00:19:555 0 EOF
2: FLOCK  ADVISORY  WRITE 77 00:19:1234 0 EOF
2: -> FLOCK  ADVISORY  WRITE 78 00:19:777 0 EOF
"""
LOCK = '{"run": "r1", "who": "ann", "from": "desk", "since": "2026-11-26T23:03:51Z", "why": "apply", "pid": "77"}\n'


def test_a_lock_is_held_only_while_the_kernel_says_so() -> None:
    assert is_held("25 1234\n", LOCKS)
    assert not is_held("25 1235\n", LOCKS)
    assert not is_held("26 1234\n", LOCKS)
    assert not is_held("25 555\n", LOCKS)
    assert not is_held("25 777\n", LOCKS)


def test_a_lock_says_who_since_when_and_why() -> None:
    said = read_runs((Answer(0, LOCK), Answer(0, "25 1234\n"), Answer(0, LOCKS), NONE, NONE, Answer(1)))

    assert said.lock == RunEntry("r1", "ann", "desk", "2026-11-26T23:03:51Z", "apply")
    assert said.lock.text() == "apply by ann from desk at 2026-11-26 23:03 UTC"


def test_the_file_of_a_lock_that_nobody_holds_is_no_lock() -> None:
    said = read_runs((Answer(0, LOCK), Answer(0, "25 99\n"), Answer(0, LOCKS), NONE, NONE, Answer(1)))

    assert said == HostRuns()


def test_what_waits_and_what_ran_last_are_read() -> None:
    armed = Answer(0, '{"run": ' + LOCK.strip() + ', "back": []}')
    runs = Answer(0, LOCK.strip()[:-1] + ', "ended": "confirmed", "changes": []}\n')

    said = read_runs((NONE, NONE, Answer(0, LOCKS), armed, armed, runs))

    assert said.lock is None
    assert said.armed == RunEntry("r1", "ann", "desk", "2026-11-26T23:03:51Z", "apply")
    assert said.returning == said.armed
    assert said.last is not None
    assert said.last.ended == "confirmed"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ann@desk", "by ann@desk"),
        ("", "somebody"),
        ("[1]", "by [1]"),
        ('{"who": 7}', "by 7"),
        ('{"run": "r1", "when": "yesterday", "what": "apply"}', "apply yesterday"),
        ('{"run": {"who": "ann"}}', "by ann"),
    ],
)
def test_what_another_version_wrote_is_told_as_well_as_can_be(text: str, words: str) -> None:
    assert read_run(text).text() == words
