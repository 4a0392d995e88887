"""The reference pages say what the code says."""

from pathlib import Path

import pytest

from tools.reference import pages

MADE = pages()


@pytest.mark.parametrize("page", MADE, ids=lambda page: page.name)
def test_made_page_is_up_to_date(page: Path) -> None:
    assert page.read_text() == MADE[page], "run `make docs`"
