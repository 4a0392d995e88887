import io
from pathlib import Path

import pytest

from dockmesh.drill.history import save
from tests.unit.cli.conftest import Dockmesh
from tests.unit.drill.test_history import DRILL


def test_every_kind_of_fault_is_listed(dockmesh: Dockmesh) -> None:
    ran = dockmesh("drill", "list")

    kinds = [line.split()[0] for line in ran.out.splitlines()[1:-2]]
    assert kinds == ["cut", "one-way", "lossy", "slow", "partition", "crash", "reboot", "switch", "docker"]


def test_drills_are_shown_with_their_verdicts(dockmesh: Dockmesh, mesh_file: Path) -> None:
    save(mesh_file, DRILL)

    ran = dockmesh("drill", "history", "-f", "dockmesh.yaml")

    assert ran.out.splitlines()[1].split()[-3:] == ["cut:host1,host2", "✓", "pass"]


def test_the_last_drill_becomes_a_page(dockmesh: Dockmesh, mesh_file: Path) -> None:
    save(mesh_file, DRILL)

    ran = dockmesh("drill", "report", "-f", "dockmesh.yaml")

    assert (ran.code, ran.out) == (0, "drill-20260102T030405Z-abcd.html\n")
    assert Path(ran.out.strip()).read_text().startswith("<!doctype html>")


def test_a_report_that_cannot_be_written_is_2(dockmesh: Dockmesh, mesh_file: Path) -> None:
    save(mesh_file, DRILL)

    assert dockmesh("drill", "report", "-f", "dockmesh.yaml", "-o", "no/such/folder").code == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no fault is named"),
        (("crash:host1",), "crash:host1 is not done on the real hosts"),
        (("cut:host1,host2", "--count", "2"), "--count draws the places itself"),
        (("cut:host1,host2",), "no fault is made on real hosts without the name of their mesh"),
        (("cut:host1,host2", "--confirm", "test"), "--confirm prod"),
    ],
)
def test_real_hosts_are_not_touched_without_being_asked_for_twice(
    dockmesh: Dockmesh, mesh_file: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())

    ran = dockmesh("drill", "run", "--real-hosts", "-f", "dockmesh.yaml", *words)

    assert ran.code == 2
    assert said in ran.err
