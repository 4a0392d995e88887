"""The program as a person calls it: from a folder of its own, by its entry point."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from dockmesh.cli.main import run as entry_point
from tests.support.meshes import MESH_FILE

OFFLINE = ("--encryption", "off", "--offline")  # for init, which would ask a person


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


class Dockmesh(Protocol):
    def __call__(self, *arguments: str) -> Ran: ...


@pytest.fixture
def dockmesh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Dockmesh:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Ran:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["dockmesh", *arguments])
        with pytest.raises(SystemExit) as end:
            entry_point()
        said = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Ran(end.value.code, said.out, said.err)

    return call


@pytest.fixture
def mesh_file(tmp_path: Path) -> Path:
    """The guide's mesh, in the folder that the program runs in."""
    path = tmp_path / "dockmesh.yaml"
    path.write_text(MESH_FILE, encoding="utf-8")
    return path
