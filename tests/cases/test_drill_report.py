"""The page of a drill: two faults, with pairs that passed, failed and are apart.

`DOCKMESH_GOLDEN=write pytest tests/cases/test_drill_report.py` writes it again. Look at it in a browser, light
and dark.
"""

import os
from html.parser import HTMLParser
from pathlib import Path

from dockmesh.drill.record import DrillRecord, record_of
from dockmesh.drill.report import page
from dockmesh.drill.types import Fault, FaultKind
from tests.unit.drill.worlds import judged, plan_of

GOLDEN = Path(__file__).parent / "drill/report.html"
# Elements of HTML that need no end.
VOID = {"meta", "br"}


def drill() -> DrillRecord:
    plan = plan_of()
    cut = judged(
        plan,
        Fault(FaultKind.CUT, ("host1", "host2")),
        {("host1", "host2"): [(0.0, 0.31), (5.0, 6.4)], ("host2", "host1"): [(0.0, 0.92)]},
    )
    crash = judged(
        plan,
        Fault(FaultKind.CRASH, ("host2",)),
        {("host1", "host2"): [(0.0, 5.2)], ("host3", "host2"): [(0.0, 9.0)], ("host1", "host3"): [(0.1, 0.3)]},
    )
    faults = (record_of(cut), record_of(crash))
    return DrillRecord(
        "20260102T030405Z-abcd", "ann", "2026-01-02T03:04:05Z", "<prod>", "lab", "rstp", 7, 10, "done", (), faults
    )


class Reader(HTMLParser):
    """The elements with their attributes, and whether each is ended."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_as_it_was() -> None:
    text = page(drill())
    if os.environ.get("DOCKMESH_GOLDEN") == "write":
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")

    assert text == GOLDEN.read_text(encoding="utf-8")


def test_page_is_whole_and_fetches_nothing() -> None:
    text = page(drill())
    reader = Reader(text)

    assert reader.open == []
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in reader.elements}
    assert "url(" not in text
    assert "http" not in text.replace("http-equiv", "")


def test_every_pair_has_its_timeline_and_says_what_it_shows() -> None:
    pictures = [attributes for tag, attributes in Reader(page(drill())).elements if tag == "svg"]

    said = [attributes["aria-label"] for attributes in pictures]
    assert len(said) == 2 * 6
    assert said[0] == "host2 → host1: 920 ms silent at most while it lasts, 0 ms silent at most after it"
    assert said[1] == "host1 → host2: 310 ms silent at most while it lasts, 1400 ms silent at most after it"


def test_names_are_text_and_no_markup() -> None:
    assert "Drill of mesh &lt;prod&gt;" in page(drill())
