import io
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Dockmesh


@pytest.fixture(autouse=True)
def _nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())


def test_hosts_are_not_loaded_unasked_and_it_is_said_how_much_that_is(dockmesh: Dockmesh, mesh_file: Path) -> None:
    ran = dockmesh("measure")

    assert (ran.code, ran.out) == (2, "")
    assert "6 pairs one after another, at most 500 Mbit/s" in ran.err
    assert "this loads hosts and links, and nobody can be asked\n   do        add --yes" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--only", "speed"), "speed is nothing that is measured"),
        (("--host", "host1"), "one host alone has nobody to measure with"),
        (("--seconds", "100"), "--seconds"),
        (("--limit", "1"), "--limit"),
    ],
)
def test_a_wish_that_cannot_be_met_is_2(dockmesh: Dockmesh, mesh_file: Path, words: tuple[str, ...], said: str) -> None:
    ran = dockmesh("measure", "--yes", *words)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
