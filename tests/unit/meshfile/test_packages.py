"""The packages that a mesh file names."""

from pathlib import Path

import pytest

from dockmesh.meshfile.load import load
from dockmesh.meshfile.problems import MeshFileError
from dockmesh.model.mesh import Mesh
from tests.support.debs import deb_bytes, write_deb

MESH = """\
name: prod
networks: [{name: docker0, prefix: 172.17.0.0/16}]
hosts:
  host1: {underlay: 192.0.2.1, address: 172.17.42.1, pool: 172.17.64.0/18}
  host2: {underlay: 192.0.2.2, address: 172.17.42.2, pool: 172.17.128.0/18}
packages:
  from: """


def mesh(folder: Path, value: str) -> Mesh:
    file = folder / "dockmesh.yaml"
    file.write_text(MESH + value + "\n")
    return load(file)


def refusal(folder: Path, value: str) -> str:
    with pytest.raises(MeshFileError) as refused:
        mesh(folder, value)
    return str(refused.value).replace(str(folder), "FOLDER")


def test_a_folder_is_read_beside_the_file(tmp_path: Path) -> None:
    write_deb(tmp_path / "debs", "b", "2")
    write_deb(tmp_path / "debs", "a")
    (tmp_path / "debs/build.log").write_text("not a package, and not looked at")

    loaded = mesh(tmp_path, "debs")

    assert loaded.packages == ("debs",)
    assert [(deb.package, deb.version) for deb in loaded.debs] == [("a", "1"), ("b", "2")]


def test_files_and_folders_may_be_listed(tmp_path: Path) -> None:
    file = write_deb(tmp_path / "one", "a")
    write_deb(tmp_path / "many", "b")

    assert [deb.package for deb in mesh(tmp_path, f"[{file}, many]").debs] == ["a", "b"]


def test_one_package_may_be_there_for_several_architectures(tmp_path: Path) -> None:
    write_deb(tmp_path / "debs", "a", architecture="amd64")
    write_deb(tmp_path / "debs", "a", architecture="arm64")

    assert [deb.architecture for deb in mesh(tmp_path, "debs").debs] == ["amd64", "arm64"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            "gone",
            """\
FOLDER/dockmesh.yaml:7:9: gone is not there
    7 |   from: gone
      |         ^^^^
   Looked for FOLDER/gone.
   A path is relative to the folder of the mesh file.""",
        ),
        (
            "[good, empty]",
            """\
FOLDER/dockmesh.yaml:7:16: empty has no .deb file in it
    7 |   from: [good, empty]
      |                ^^^^^
   Put the packages there, or name another folder; `dockmesh packages build` makes some.""",
        ),
        (
            "wrong.deb",
            """\
FOLDER/dockmesh.yaml:7:9: wrong.deb cannot be used
    7 |   from: wrong.deb
      |         ^^^^^^^^^
   this is not a Debian package: it does not begin as one.""",
        ),
        (
            "[good, other]",
            """\
FOLDER/dockmesh.yaml:7:16: a is there in two versions, 1 and 2
    7 |   from: [good, other]
      |                ^^^^^
   Keep one of a_1_amd64.deb and a_2_amd64.deb.""",
        ),
        (
            "[good, same.deb]",
            """\
FOLDER/dockmesh.yaml:7:16: two different files are a 1
    7 |   from: [good, same.deb]
      |                ^^^^^^^^
   Keep one of a_1_amd64.deb and same.deb.""",
        ),
        (
            "7",
            """\
FOLDER/dockmesh.yaml:7:9: from of packages is the number "7"
    7 |   from: 7
      |         ^
   Expected a folder of .deb files such as debs, or a list of .deb files.""",
        ),
        (
            "[]",
            """\
FOLDER/dockmesh.yaml:7:9: from of packages is a list
    7 |   from: []
      |         ^^
   Expected a folder of .deb files such as debs, or a list of .deb files.""",
        ),
    ],
)
def test_packages_that_cannot_serve_are_refused_with_their_place(tmp_path: Path, value: str, text: str) -> None:
    write_deb(tmp_path / "good", "a")
    write_deb(tmp_path / "other", "a", "2")
    (tmp_path / "same.deb").write_bytes(deb_bytes("a", Section="net"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "wrong.deb").write_text("hello")

    assert refusal(tmp_path, value) == text


def test_packages_without_from_say_so(tmp_path: Path) -> None:
    file = tmp_path / "dockmesh.yaml"
    file.write_text(MESH.replace("  from: ", "  form: debs\n"))

    with pytest.raises(MeshFileError, match="Did you mean `from`"):
        load(file)
