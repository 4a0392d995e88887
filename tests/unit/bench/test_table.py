from dataclasses import replace

from bench.peers import table
from bench.peers.types import Mtu
from tests.unit.bench.runs import BENCH, silence


def test_row_has_every_figure() -> None:
    cells = dict(zip(table.COLUMNS, table.row(BENCH.results[1]), strict=True))

    assert cells["ping ms (p95)"] == "0.80 (1.1)"
    assert cells["TCP × (worst)"] == "0.78 (0.70)"
    assert (cells["all pairs ×"], cells["packets ×"], cells["CPU ×"]) == ("0.50", "0.50", "1.50")
    assert (cells["cut ms"], cells["heal ms"]) == ("254", "1,329")
    assert (cells["set up s"], cells["connected s"]) == ("4.2", "6.1")


def test_a_share_that_misleads_says_so() -> None:
    result = BENCH.results[1]
    flattered = replace(result, about=replace(result.about, remark="underlay slowed"))

    assert table.tcp(flattered) == "0.78 (0.70), underlay slowed"


def test_what_does_not_heal_is_said_with_how_long_it_was_watched() -> None:
    assert table.silence(silence(None, 120.2)) == "never, 120 s"


def test_what_was_not_measured_is_no_figure() -> None:
    assert table.row(BENCH.results[3])[1:] == (table.NOTHING,) * 12


def test_mtu_says_what_passes() -> None:
    assert table.mtu(Mtu(1462, 1462)) == "1462"
    assert table.mtu(Mtu(1500, 1437)) == "1500, passes 1437"
    assert table.mtu(Mtu(1500, None)) == "1500, not passed"


def test_a_cell_cannot_break_its_table() -> None:
    assert table.markdown(("a",), (("x|y\nz",),)).splitlines()[2] == "| x\\|y z |"
