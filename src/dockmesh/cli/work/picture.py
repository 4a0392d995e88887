"""A picture of a mesh into a file."""

from pathlib import Path

from dockmesh.cli.show import err
from dockmesh.errors import UsageError
from dockmesh.picture.svg import svg
from dockmesh.picture.types import MeshPicture


def write_picture(picture: MeshPicture, file: Path) -> None:
    """What stood in the file before is replaced.

    Raises UsageError where it cannot be written.
    """
    try:
        file.write_text(svg(picture), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}", do="name another file with --svg") from error
    err.print(f"drawn into {file}", markup=False, highlight=False)
