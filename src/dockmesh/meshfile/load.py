"""The way from a mesh file to a checked mesh; the only ways out are a Mesh and a MeshFileError."""

from pathlib import Path

from dockmesh.meshfile.compose import compose
from dockmesh.meshfile.explain import Place
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.packages import read_packages
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.rules.every import check
from dockmesh.meshfile.source import STANDARD_INPUT, STANDARD_INPUT_NAME, decode, read_bytes
from dockmesh.model.mesh import Mesh


def load(path: Path) -> Mesh:
    """The mesh that the file describes.

    Raises MeshFileError with every problem of the file.
    """
    name = STANDARD_INPUT_NAME if path == STANDARD_INPUT else str(path)
    return parse(name, read_bytes(path), packages_beside=path.parent)


def parse(name: str, content: bytes, *, packages_beside: Path | None = None) -> Mesh:
    """The mesh that the content of a file describes; `name` is what messages call the file.

    `packages_beside` is the folder of the file, from which its packages are read; without it they are left alone.

    Raises MeshFileError with every problem of the content.
    """
    source = decode(name, content)
    problems: list[Problem] = []
    mesh = MeshSection.read(compose(source, problems), Place("the file"), problems)
    problems += check(mesh)
    named = mesh.packages.from_.value if mesh.packages.from_ else ()
    debs, not_read = ((), []) if packages_beside is None else read_packages(named, packages_beside)
    problems += not_read
    if problems:
        raise source.refuse(*problems)
    return mesh.checked(debs)
