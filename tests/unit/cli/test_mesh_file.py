from pathlib import Path

import pytest

from dockmesh.cli.work.mesh_file import replace_file
from dockmesh.errors import UsageError


def test_a_file_that_somebody_changed_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "dockmesh.yaml"
    file.write_bytes(b"theirs")

    with pytest.raises(UsageError, match="was changed meanwhile"):
        replace_file(file, b"before", b"after")

    assert file.read_bytes() == b"theirs"


def test_a_file_that_cannot_be_replaced_is_as_it_was_and_nothing_lies_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "dockmesh.yaml"
    file.write_bytes(b"before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)

    with pytest.raises(UsageError, match="No space left on device"):
        replace_file(file, b"before", b"after")

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("dockmesh.yaml", b"before")]
