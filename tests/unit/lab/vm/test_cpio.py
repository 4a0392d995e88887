import os
import stat
from collections.abc import Iterator
from pathlib import Path

from dockmesh.lab.vm.cpio import END, entry, pack


def unpack(archive: bytes) -> Iterator[tuple[str, int, bytes]]:
    """By the kernel's description of the format: name, mode, content."""
    at = 0
    while at < len(archive):
        assert archive[at : at + 6] == b"070701"
        numbers = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        name = archive[at + 110 : at + 110 + numbers[11] - 1].decode()
        start = at + 110 + numbers[11] + -(110 + numbers[11]) % 4
        yield name, numbers[1], archive[start : start + numbers[6]]
        at = start + numbers[6] + -numbers[6] % 4


def test_a_folder_comes_out_as_it_went_in(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir(mode=0o700)
    (tmp_path / "bin/tool").write_bytes(b"12345")
    (tmp_path / "bin/tool").chmod(0o755)
    (tmp_path / "link").symlink_to("bin/tool")

    found = {name: (mode, content) for name, mode, content in unpack(pack(tmp_path))}

    assert found == {
        "bin": (stat.S_IFDIR | 0o700, b""),
        "bin/tool": (stat.S_IFREG | 0o755, b"12345"),
        "link": (stat.S_IFLNK | 0o777, b"bin/tool"),
        END: (0, b""),
    }


def test_a_folder_comes_before_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hostname").touch()

    assert [name for name, *_ in unpack(pack(tmp_path, at="own/files"))] == [
        *("own", "own/files", "own/files/etc", "own/files/etc/hostname"),
        END,
    ]


def test_the_same_folder_makes_the_same_archive(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    first = pack(tmp_path)
    os.utime(tmp_path / "file", (1, 1))

    assert pack(tmp_path) == first


def test_owners_are_kept() -> None:
    assert entry("home/admin", stat.S_IFDIR, owner=(1000, 1001))[22:38] == b"000003E8000003E9"
