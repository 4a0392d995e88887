"""How long a host is waited for, and each request of an order."""

from dockmesh.transport.requests import Exec
from dockmesh.transport.ssh import _with_limit

SLOW = Exec(("sleep", "60"), timeout_s=90)


def limit(patience_s: float) -> float:
    limited = _with_limit(SLOW, patience_s)
    assert isinstance(limited, Exec)
    return limited.timeout_s


def test_a_question_ends_before_its_host_counts_as_one_that_hangs() -> None:
    assert limit(30) == 20
    assert limit(60) == 50


def test_one_that_is_given_its_time_has_it() -> None:
    assert limit(100) == 90
    assert limit(1000) == 90
