"""The names of containers that the shell completes, as they were last seen."""

from pathlib import Path

from dockmesh.cli.seen import last_seen, remember
from dockmesh.meshfile.source import STANDARD_INPUT
from tests.unit.containers.worlds import container


def test_what_was_seen_is_remembered_and_what_is_gone_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "mesh.yaml"

    remember(file, {"host1": (container("web"), container("job")), "host2": (container("db", "host2"),)})
    remember(file, {"host1": (container("web"),)})

    assert last_seen(file) == ["db.host2", "web.host1"]  # host2 did not answer: what was seen there may be so still
    assert (tmp_path / ".dockmesh" / ".gitignore").exists()


def test_where_nothing_can_be_kept_nothing_is(tmp_path: Path) -> None:
    (tmp_path / ".dockmesh").write_text("a file of somebody's")

    remember(tmp_path / "mesh.yaml", {"host1": (container("web"),)})
    remember(STANDARD_INPUT, {"host1": (container("web"),)})

    assert last_seen(tmp_path / "mesh.yaml") == []
    assert not Path(".dockmesh/-").exists()
