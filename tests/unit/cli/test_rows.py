"""Tables on terminals of any width."""

import io

import pytest
from rich.console import Console

from dockmesh.cli.screens.rows import show_rows

COLUMNS = ("host", "underlay", "containers", "tunnels")
ROWS = (("host1", "192.0.2.1", "16,384", "gre1→host2, gre2→host3"), ("host2", "192.0.2.2", "16,384", "gre1→host1"))


def shown(width: int, *, folds: bool = True) -> list[str]:
    text = io.StringIO()
    show_rows(Console(file=text, width=width, highlight=False, soft_wrap=True), COLUMNS, ROWS, folds=folds)
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_a_wide_terminal_has_a_table() -> None:
    assert shown(80) == [
        "host    underlay    containers   tunnels",
        "host1   192.0.2.1       16,384   gre1→host2, gre2→host3",
        "host2   192.0.2.2       16,384   gre1→host1",
    ]


def test_a_narrow_one_has_the_same_below_one_another() -> None:
    assert shown(40)[:4] == ["host1", "  underlay 192.0.2.1", "  containers 16,384", "  tunnels gre1→host2, gre2→host3"]


@pytest.mark.parametrize("width", [20, 40, 52, 53, 54, 55, 56, 60, 80])
@pytest.mark.parametrize("folds", [True, False])
def test_nothing_is_lost_on_any(width: int, *, folds: bool) -> None:
    text = " ".join(shown(width, folds=folds)).replace(",", " ")

    assert all(word in text.split() for row in ROWS for cell in row for word in cell.replace(",", " ").split())
