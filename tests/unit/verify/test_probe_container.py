"""The image made of nothing, and what a probe container sees of its host."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from dockmesh.agent import probe_container


@pytest.fixture
def merged(tmp_path: Path) -> Path:
    """A system whose /bin and /lib are links into /usr."""
    for name in ("bin", "lib", "sbin"):
        (tmp_path / "usr" / name).mkdir(parents=True)
        (tmp_path / name).symlink_to(f"usr/{name}")
    return tmp_path


@pytest.fixture
def unmerged(tmp_path: Path) -> Path:
    for name in ("usr", "bin", "lib", "lib64"):
        (tmp_path / name).mkdir()
    return tmp_path


def members(root: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(probe_container.image(str(root)))) as tar:
        return {member.name: member for member in tar}


def test_the_image_has_the_links_of_a_merged_system_and_nothing_to_run(merged: Path) -> None:
    found = members(merged)

    assert {name: found[name].linkname for name in ("bin", "lib", "sbin")} == {
        "bin": "usr/bin",
        "lib": "usr/lib",
        "sbin": "usr/sbin",
    }
    assert not [name for name, member in found.items() if member.isfile()]
    assert "lib64" not in found


def test_a_merged_system_is_seen_through_usr_alone(merged: Path) -> None:
    assert [bind for bind in probe_container.binds(str(merged)) if "/usr:" not in bind] == []


def test_folders_outside_usr_are_seen_too_where_they_are_real(unmerged: Path) -> None:
    assert set(probe_container.binds(str(unmerged))) >= {"/usr:/usr:ro", "/bin:/bin:ro", "/lib64:/lib64:ro"}
    assert members(unmerged)["bin"].isdir()


def test_dockers_frames_are_put_together() -> None:
    stream = b"\x01\0\0\0\0\0\0\x03one" + b"\x02\0\0\0\0\0\0\x03two" + b"\x01\0\0\0\0\0\0\x09cut off"

    assert probe_container.frames(stream) == [(1, b"one"), (2, b"two"), (1, b"cut off")]


def test_a_mark_lives_as_long_as_its_process() -> None:
    mine = probe_container.owner(os.getpid())

    assert probe_container.is_alive(mine)
    assert not probe_container.is_alive(f"{os.getpid()}-1")
    assert not probe_container.is_alive("of somebody else")
