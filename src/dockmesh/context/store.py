"""The contexts of Docker's command line on this machine.

Its files are written here, and not by `docker context create`: the machine that one works at need not have Docker's
command line, for the Docker SDKs and editors read the same files; and that command has no place for our mark, by which
a context of somebody else's is told from ours. The form of the files has been the same since Docker 19.03.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from dockmesh.context.meta import Context, folder_name, read, text_of
from dockmesh.errors import UsageError
from dockmesh.history.held import held as one_at_a_time
from dockmesh.history.store import replace_text

META = "meta.json"
LOCK = "dockmesh.lock"


def folder() -> Path:
    """Docker's, as its command line finds it."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path("~/.docker").expanduser())


@contextmanager
def held() -> Iterator[None]:
    """Between the look whose they are and the last byte nobody else of us writes there.

    Raises UsageError where that cannot be.
    """
    contexts = folder() / "contexts"
    with ExitStack() as stack:
        try:
            contexts.mkdir(parents=True, exist_ok=True)
            stack.enter_context(one_at_a_time(contexts / LOCK))
        except OSError as error:
            raise _cannot(contexts, error) from error
        yield


def all_of_ours() -> tuple[Context, ...]:
    """By name; those of all mesh files."""
    return tuple(sorted(_ours(), key=lambda each: each.name))


def _ours() -> Iterator[Context]:
    for path in (folder() / "contexts" / "meta").glob(f"*/{META}"):
        with suppress(OSError, UnicodeDecodeError):
            if (found := read(path.read_text(encoding="utf-8"))) is not None:
                yield found


def _path(name: str) -> Path:
    return folder() / "contexts" / "meta" / folder_name(name) / META


def _tls(name: str) -> Path:
    return folder() / "contexts" / "tls" / folder_name(name)


def refuse_others(context: Context) -> None:
    """Raises UsageError where a context of that name is somebody else's, or of another mesh file that still is."""
    path = _path(context.name)
    if not path.exists():
        return
    with suppress(OSError, UnicodeDecodeError):
        found = read(path.read_text(encoding="utf-8"))
        if found is not None and (found.file == context.file or not Path(found.file).exists()):
            return
        if found is not None:
            raise UsageError(
                f"the context {context.name} is of another mesh file: {found.file}",
                now="nothing was written",
                do="choose other names with --prefix",
            )
    raise UsageError(
        f"there is a context {context.name} already, and it is not of dockmesh",
        now="nothing was written",
        do=f"choose other names with --prefix, or remove it: `docker context rm {context.name}`",
    )


def write(context: Context) -> bool:
    """Whether it said something else before.

    Raises UsageError where it cannot be written.
    """
    path = _path(context.name)
    try:
        # What it is shut with goes before what says where it is.
        keys = _write_tls(context)
        return _write(path, text_of(context), 0o644) or keys
    except OSError as error:
        raise _cannot(path, error) from error


def _cannot(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {path}: {error.strerror}", do="check that Docker's folder may be written")


def _write_tls(context: Context) -> bool:
    """docker/cli keeps them in a folder beside the one of the metadata, below the name of the endpoint."""
    place = _tls(context.name)
    if context.tls is None:
        there = place.exists()
        shutil.rmtree(place, ignore_errors=True)
        return there
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = [_write(place / "docker" / name, text, 0o600) for name, text in context.tls.files().items()]
    return any(written)


def _write(path: Path, text: str, mode: int) -> bool:
    """Whether it said something else before. Raises OSError."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, text, mode)
    return True


def remove(context: Context) -> None:
    path = _path(context.name)
    path.unlink(missing_ok=True)
    shutil.rmtree(_tls(context.name), ignore_errors=True)
    with suppress(OSError):  # somebody else's file in it
        path.parent.rmdir()


def current() -> str | None:
    """The context that `docker` uses where none is named."""
    try:
        return json.loads((folder() / "config.json").read_text(encoding="utf-8")).get("currentContext") or None
    except (OSError, ValueError, AttributeError):
        return None
