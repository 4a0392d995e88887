"""The page, the picture and the JSON of a comparison, one contender of which never heals and one could not be set up.

`DOCKMESH_GOLDEN=write pytest tests/cases/test_bench_report.py` writes them again. Look at the picture, light and dark.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.peers import report
from bench.peers.record import bench_json
from tests.unit.bench.runs import BENCH

GOLDEN = Path(__file__).parent / "bench"


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("peers.md", lambda: report.page(BENCH, "peers.svg")),
        ("peers.svg", lambda: report.chart(BENCH)),
        ("peers.json", lambda: json.dumps(bench_json(BENCH), indent=2) + "\n"),
    ],
)
def test_report_is_as_it_was(name: str, write: Callable[[], str]) -> None:
    text = write()
    if os.environ.get("DOCKMESH_GOLDEN") == "write":
        (GOLDEN / name).write_text(text, encoding="utf-8")

    assert text == (GOLDEN / name).read_text(encoding="utf-8")


def test_picture_is_whole_and_names_are_text() -> None:
    picture = ElementTree.fromstring(report.chart(BENCH))  # noqa: S314  our own

    said = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert said.count("Docker <Swarm>") == 5
    assert "never, 120 s" in said
    assert "bare underlay" not in said
