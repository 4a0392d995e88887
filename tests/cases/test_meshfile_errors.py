"""Mesh files with mistakes, and beside each the full text that its user gets.

`DOCKMESH_GOLDEN=write pytest tests/cases/test_meshfile_errors.py` writes the texts again. Read every line of the diff:
these texts are what a person has at 3 a.m.
"""

import os
from pathlib import Path

import pytest

from dockmesh.meshfile.load import parse
from dockmesh.meshfile.problems import MeshFileError

CASES = sorted((Path(__file__).parent / "meshfile").glob("*.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_file_with_mistakes_is_refused_with_this_text(case: Path) -> None:
    golden = case.with_suffix(".txt")

    with pytest.raises(MeshFileError) as refused:
        parse("mesh.yaml", case.read_bytes())

    if os.environ.get("DOCKMESH_GOLDEN") == "write":
        golden.write_text(f"{refused.value}\n", encoding="utf-8")
    assert f"{refused.value}\n" == golden.read_text(encoding="utf-8")


def test_every_text_belongs_to_a_file() -> None:
    texts = {text.stem for text in (Path(__file__).parent / "meshfile").glob("*.txt")}

    assert texts == {case.stem for case in CASES}
