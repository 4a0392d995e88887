"""The .deb files that a mesh file names: read, and refused with the place of the name where they cannot serve."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from dockmesh.debian.deb import Deb, DebError, read_deb
from dockmesh.meshfile.excerpt import clipped
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.types import Located

SUFFIX = ".deb"


def read_packages(named: Sequence[Located[str]], folder: Path) -> tuple[tuple[Deb, ...], list[Problem]]:
    """Every .deb of the named files and folders, by package and architecture, and what is wrong with them.

    `folder` is where relative paths begin. One package may be there for several architectures, in one version.
    """
    found: dict[tuple[str, str], Deb] = {}
    by_name: dict[str, Deb] = {}
    problems: list[Problem] = []
    for name in named:
        for path in _files(name, folder, problems):
            try:
                with path.open("rb") as file:
                    deb = read_deb(file, str(path))
            except DebError as error:
                problems.append(Problem(f"{clipped(path.name)} cannot be used", f"{error}.", name.span))
                continue
            except OSError as error:
                problems.append(Problem(f"{clipped(str(path))} cannot be read: {error.strerror}", ASK, name.span))
                continue
            other = by_name.setdefault(deb.package, deb)
            same = found.setdefault((deb.package, deb.architecture), deb)
            if other.version != deb.version or same.sha256 != deb.sha256:
                problems.append(_two(deb, other if other.version != deb.version else same, name))
    return tuple(deb for _, deb in sorted(found.items())), problems


ASK = "Is the path right, and may you read it?"


def _files(name: Located[str], folder: Path, problems: list[Problem]) -> Iterator[Path]:
    path = folder / Path(name.value).expanduser()
    try:
        if path.is_dir():
            inside = sorted(each for each in path.iterdir() if each.suffix == SUFFIX)
            if not inside:
                hint = "Put the packages there, or name another folder; `dockmesh packages build` makes some."
                problems.append(Problem(f"{clipped(name.value)} has no {SUFFIX} file in it", hint, name.span))
            yield from inside
        elif path.exists():
            yield path
        else:
            hint = f"Looked for {path.absolute()}.\nA path is relative to the folder of the mesh file."
            problems.append(Problem(f"{clipped(name.value)} is not there", hint, name.span))
    except (OSError, RuntimeError) as error:  # RuntimeError: `~user` of nobody
        problems.append(Problem(f"{clipped(name.value)} cannot be read: {error}", ASK, name.span))


def _two(deb: Deb, other: Deb, name: Located[str]) -> Problem:
    if deb.version == other.version:
        what = f"two different files are {deb.package} {deb.version}"
    else:
        what = f"{deb.package} is there in two versions, {other.version} and {deb.version}"
    return Problem(what, f"Keep one of {clipped(other.file_name)} and {clipped(deb.file_name)}.", name.span)
