"""The table of worlds: every two values meet, and what was not run says so."""

from itertools import combinations, product

from tests.world.rows import COLUMNS, possible, rows
from tools.world import Result, page


def test_every_two_values_that_can_be_together_meet_in_a_row_of_containers() -> None:
    columns = list(COLUMNS.values())
    met = {
        (a, row.values[a], b, row.values[b])
        for row in rows()
        if row.kind == "container"
        for a, b in combinations(range(len(columns)), 2)
    }
    can = {
        (a, values[a], b, values[b])
        for values in product(*columns)
        if possible(values)
        for a, b in combinations(range(len(columns)), 2)
    }

    assert met == can


def test_each_release_runs_its_defaults_on_containers_and_on_its_own_kernel() -> None:
    names = {row.name for row in rows()}

    assert {f"{release}-default" for release in COLUMNS["release"]} <= names
    assert {"vm-bookworm-default", "vm-trixie-default", "vm-forky-default"} <= names


def test_no_two_rows_have_one_name() -> None:
    names = [row.name for row in rows()]

    assert len(names) == len(set(names))


def test_a_row_that_was_not_run_says_so_and_one_that_failed_too() -> None:
    failed = Result(9, 2, 0, "2026-12-01 10:00", "abc1234", "Docker 26.1.5")

    lines = page({"trixie-default": failed}, rows()).splitlines()

    assert sum("not run" in line for line in lines) == len(rows())  # of the page's own text once
    (line,) = (line for line in lines if "`trixie-default`" in line)
    assert "| **2 failed**, 9 passed | Docker 26.1.5 | 2026-12-01 10:00 | abc1234 |" in line
