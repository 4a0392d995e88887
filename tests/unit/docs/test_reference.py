"""The reference pages say what the code says."""

from pathlib import Path

import pytest

from tools.reference import pages


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_made_page_is_up_to_date(page: Path) -> None:
    assert page.read_text() == pages()[page], "run `make docs`"
