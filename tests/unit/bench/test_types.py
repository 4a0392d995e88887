from bench.peers.types import Turns


def test_each_figure_is_compared_with_its_neighbours() -> None:
    turns = Turns(own=(80.0, 45.0), underlay=(100.0, 100.0, 20.0))

    assert turns.ratios == (0.8, 0.75)
    assert turns.ratio == 0.775


def test_an_underlay_that_carried_nothing_has_no_ratio() -> None:
    assert Turns(own=(80.0,), underlay=(0.0, 0.0)).ratio == 0
