"""`dockmesh render`."""

from pathlib import Path
from typing import Annotated

import typer

from dockmesh.cli import options
from dockmesh.cli.show import out, print_json
from dockmesh.errors import UsageError
from dockmesh.plan.build import build
from dockmesh.render import docker
from dockmesh.render.host import MARK
from dockmesh.render.host import render as render_host
from dockmesh.render.types import File
from dockmesh.spec.load import load


def render(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write; one folder a host is made in it.")],
    file: options.File = options.DEFAULT_FILE,
    json: options.Json = False,
) -> None:
    """Write what would stand on each host as files under DIR/HOST/, ready to be installed by hand or by another tool.

    Contacts nobody. The folders of hosts hold paths as on the host; what is there already is replaced if dockmesh wrote
    it, and is an error if not.
    """
    planned = build(load(file))
    written: dict[str, list[str]] = {}
    for host in planned.hosts:
        config = render_host(planned, host)
        files = (*config.files, docker.alone(config.daemon))
        folder = output / host.name
        for each in files:
            _write(folder, each)
        written[host.name] = [each.path for each in files]
    if json:
        print_json({"directory": str(output), "hosts": written})
        return
    for name, paths in written.items():
        out.print(f"[bold]{output / name}[/]: {', '.join(paths)}")


def _write(folder: Path, file: File) -> None:
    target = folder / file.path.removeprefix("/")
    try:
        if target.exists() and not _is_ours(target.read_text(errors="replace")):
            raise UsageError(f"{target} is there and dockmesh did not write it", do="choose an empty folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.text)
        target.chmod(file.mode)
    except OSError as error:
        raise UsageError(
            f"cannot write {target}: {error.strerror}", do="choose a folder that you may write to"
        ) from error


def _is_ours(text: str) -> bool:
    return text.startswith(MARK) or f'"{docker.LABEL_KEY}' in text
