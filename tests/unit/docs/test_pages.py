"""Links lead somewhere, and the mesh files that pages show are mesh files."""

import re
from pathlib import Path

import pytest

from dockmesh.meshfile.load import parse
from tests.unit.docs.pages import PAGES, ROOT, anchors, blocks, name_of, prose

SOURCE = ROOT / "src/dockmesh"
LINK = re.compile(r"\]\(([^)\s]+)\)")
EXTERNAL = re.compile(r"https?://|mailto:")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if EXTERNAL.match(link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert target.is_relative_to(ROOT), f"{link} leads out of the project"
        assert not anchor or anchor in anchors(target), f"{link}: the page has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_mesh_files_in_pages_are_right(page: Path) -> None:
    for text in blocks(page, "yaml"):
        parse(name_of(page), text.encode())


def test_the_readme_is_read_in_a_few_minutes() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= 600


def test_every_page_of_the_docs_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        links = (link.partition("#")[0] for link in LINK.findall(prose(page)) if not EXTERNAL.match(link))
        waiting += [target for link in links if (target := (page.parent / link).resolve()).suffix == ".md"]

    assert set(PAGES) <= reached


def test_where_to_change_names_files_that_there_are() -> None:
    page = (ROOT / "docs/where-to-change.md").read_text()
    named = {name for name in re.findall(r"`([\w/.-]+)`", page) if "/" in name or name.endswith(".py")}

    assert len(named) > 40
    assert [name for name in sorted(named) if not any((root / name).exists() for root in (ROOT, SOURCE))] == []
