"""A short comparison as `make bench-peers` makes it: what it measures must be possible, and its labs must be gone."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab.mesh import DOCKMESH, run

pytestmark = pytest.mark.long
MEASURES = ("packets", "cut")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """What was printed, and the folder with the pages and what else is left."""
    folder = tmp_path_factory.mktemp("bench")
    done = run(
        *(sys.executable, "-m", "bench.peers", "--json", "--dir", str(folder), "--out", str(folder / "out")),
        *(word for name in ("underlay", "dockmesh-direct") for word in ("--contender", name)),
        *(word for name in MEASURES for word in ("--measure", name)),
        *("--runs", "1", "--seconds", "1", "--watch-seconds", "30"),
    )
    assert done.code == 0, done.err + done.out[-2000:]
    return done.json(), folder


def contender(measured: tuple[Any, Path], name: str) -> Any:
    return next(each for each in measured[0]["contenders"] if each["name"] == name)


def test_both_were_measured_and_nothing_failed(measured: tuple[Any, Path]) -> None:
    found, _ = measured

    assert [each["name"] for each in found["contenders"]] == ["underlay", "dockmesh-direct"]
    assert [each["failed"] for each in found["contenders"]] == [{}, {}]
    assert found["seconds"] == 1


def test_figures_are_possible(measured: tuple[Any, Path]) -> None:
    ours = contender(measured, "dockmesh-direct")

    assert ours["mtu"] == {"inside": 1462, "passes": 1462}
    assert 0 < ours["start"]["set_up_s"] < ours["start"]["connected_s"]
    assert len(ours["packets"]["per_second"]["underlay"]) == 2
    assert ours["packets"]["per_second"]["own"][0] > 0


def test_a_cut_heals_in_the_mesh_and_not_in_the_underlay(measured: tuple[Any, Path]) -> None:
    assert contender(measured, "underlay")["cut"]["gap_ms"] is None
    assert contender(measured, "dockmesh-direct")["cut"]["gap_ms"] > 0


def test_page_and_picture_are_there_and_no_lab_is(measured: tuple[Any, Path]) -> None:
    _, folder = measured
    lost = json.loads(run(*DOCKMESH, "lab", "list", "--json").out)

    assert sorted(path.name for path in (folder / "out").iterdir()) == ["peers.md", "peers.svg"]
    assert [path.name for path in folder.iterdir()] == ["out"]
    assert str(folder) not in json.dumps(lost)
