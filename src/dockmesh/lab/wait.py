"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable


def holds_within(condition: Callable[[], bool], deadline_s: float, interval_s: float = 0.05) -> bool:
    """Ask until the condition holds (True) or the deadline has passed (False)."""
    end = time.monotonic() + deadline_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(interval_s)
    return True
