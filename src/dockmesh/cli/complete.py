"""What the shell offers at a TAB: names out of the mesh file and the folder beside it. Contacts no host.

Nothing here may fail or take long: a file that cannot be read offers nothing. Only what YAML says is looked at, not
whether the mesh holds. And nothing but letters, digits and `_ . -` is handed to a shell: zsh evaluates what it is
offered, and the names of containers come from hosts.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from dockmesh.errors import DockmeshError

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def hosts(ctx: typer.Context, incomplete: str) -> list[str]:
    """Also the last of several with commas between them."""
    before = incomplete[: incomplete.rfind(",") + 1]
    return [f"{before}{name}" for name in _keys(ctx, "hosts") if name not in before.split(",")]


def host_alone(ctx: typer.Context, incomplete: str) -> list[str]:
    return _keys(ctx, "hosts")


def networks(ctx: typer.Context, incomplete: str) -> list[str]:
    """Beside docker0, which is not taken out."""
    return [name for name in _plain(_names_in(ctx, "networks")) if name != "docker0"]


def runs(ctx: typer.Context, incomplete: str) -> list[str]:
    """The last one first."""
    from dockmesh.history.store import folder_of

    return sorted(_plain(path.stem for path in folder_of(_file(ctx)).glob("*.json")), reverse=True)


def containers(ctx: typer.Context, incomplete: str) -> list[str]:
    """As they were when somebody last looked from here; NAME.HOST where several hosts have one of the name."""
    from dockmesh.cli.seen import last_seen

    names = _plain(last_seen(_file(ctx)))
    short = [name.rpartition(".")[0] for name in names]
    return sorted({name if short.count(alone) > 1 else alone for name, alone in zip(names, short, strict=True)})


def _plain(names: Iterable[str]) -> list[str]:
    return [name for name in names if PLAIN.fullmatch(name)]


def _file(ctx: typer.Context) -> Path:
    from dockmesh.cli.options import DEFAULT_FILE, FILE_VARIABLE

    return Path(ctx.params.get("file") or os.environ.get(FILE_VARIABLE) or DEFAULT_FILE)


def _part(ctx: typer.Context, key: str) -> Any:
    """What stands under a key at the top of the file."""
    from dockmesh.meshfile.compose import compose
    from dockmesh.meshfile.source import STANDARD_INPUT, decode, read_bytes
    from dockmesh.meshfile.tree import Mapping

    file = _file(ctx)
    if file == STANDARD_INPUT:
        return None
    try:
        root = compose(decode(str(file), read_bytes(file)), [])
    except DockmeshError:
        return None
    return root.entries[key].value if isinstance(root, Mapping) and key in root.entries else None


def _keys(ctx: typer.Context, key: str) -> list[str]:
    return _plain(getattr(_part(ctx, key), "entries", ()))


def _names_in(ctx: typer.Context, key: str) -> Iterable[str]:
    for item in getattr(_part(ctx, key), "items", ()):
        name = getattr(item.value, "entries", {}).get("name")
        if name is not None and isinstance(getattr(name.value, "value", None), str):
            yield name.value.value
