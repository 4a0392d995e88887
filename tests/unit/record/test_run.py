"""Runs as hosts list them; what agent/back.py writes keeps its old word there, and is shown as a rollback."""

import pytest

from dockmesh.record.run import read_ended, shown


@pytest.mark.parametrize(
    ("kept", "read"),
    [
        ("confirmed", "confirmed"),
        ("gone back", "rolled back"),
        ("gone back, but for what failed", "rolled back, except for what failed"),
        ("rolled back", "rolled back"),
    ],
)
def test_how_a_run_ended_is_shown_in_the_usual_words(kept: str, read: str) -> None:
    ended = read_ended(f'{{"run": "r1", "ended": "{kept}"}}')

    assert ended is not None
    assert (ended.how, shown(ended.how)) == (kept, read)
