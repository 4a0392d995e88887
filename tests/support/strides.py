"""At which of a run's requests a test lets it die: at some of them in `make test`, at each in `make test-long`."""

import pytest

FEW = 23
AT_REQUESTS = pytest.mark.parametrize(
    "stride", [pytest.param(FEW, id="some"), pytest.param(1, id="each", marks=pytest.mark.long)]
)


def some_of(count: int, stride: int, name: str) -> range:
    """Numbers below `count`, so far apart; where they begin hangs on the name, so that not all look at the same."""
    return range(len(name) % stride, count, stride)
