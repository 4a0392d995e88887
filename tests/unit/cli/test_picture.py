"""Pictures into files."""

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Dockmesh


def test_a_plan_is_drawn_beside_what_it_says(dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path) -> None:
    said = dockmesh("plan").out
    target = tmp_path / "mesh.svg"

    ran = dockmesh("plan", "--svg", str(target))

    assert (ran.code, ran.out, ran.err) == (0, said, f"drawn into {target}\n")
    assert target.read_text().startswith("<svg ")


def test_a_place_where_nothing_can_be_written_is_2(dockmesh: Dockmesh, mesh_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "nowhere" / "mesh.svg"

    ran = dockmesh("plan", "--svg", str(target))

    assert ran.code == 2
    assert f"cannot write {target}: No such file or directory" in ran.err
    assert "--svg" in ran.err


@pytest.mark.parametrize("order", [("--watch", "--svg", "m.svg"), ("--svg", "m.svg", "--watch")])
def test_one_look_is_drawn_and_not_many(dockmesh: Dockmesh, mesh_file: Path, order: tuple[str, ...]) -> None:
    ran = dockmesh("status", *order)

    assert ran.code == 2
    assert "--svg draws one look, and --watch looks for ever" in ran.err
