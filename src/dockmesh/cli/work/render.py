"""`dockmesh render`."""

from dataclasses import replace
from pathlib import Path

from rich.markup import escape

from dockmesh.cli.show import err, out, print_json
from dockmesh.cli.work.with_kept import public_keys
from dockmesh.errors import UsageError
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.plan.secrets import MeshKeys
from dockmesh.render import docker
from dockmesh.render.host import render as render_host
from dockmesh.render.paths import MARK, PATHS
from dockmesh.render.types import File


def render(output: Path, file: Path, *, json: bool) -> None:
    # Of what is kept beside the file what is no secret.
    bare = build(load(file))
    planned = replace(bare, keys=MeshKeys(public_keys(bare, file)))
    files: dict[str, tuple[File, ...]] = {}
    lacking: tuple[str, ...] = ()
    for host in planned.hosts:
        config = render_host(planned, host)
        # With keys that are not known here they would say something else than `apply` writes.
        files[host.name] = (
            *(each for each in config.files if each.path not in config.unknown),
            docker.alone(config.daemon),
        )
        lacking = config.unknown
    for name in files:
        _refuse_foreign(output / name)
    for name, wanted in files.items():
        _write(output / name, wanted)
    written = {name: [each.path for each in wanted] for name, wanted in files.items()}
    if json:
        print_json({"directory": str(output), "hosts": written})
        return
    for name, paths in written.items():
        out.print(f"[bold]{escape(str(output / name))}[/]: {', '.join(paths)}")
    if lacking:
        absent = ", ".join(lacking)
        err.print(f"[bold yellow]![/] not written, for keys are not in the mesh file: {absent}; apply brings them")


def _targets(folder: Path) -> dict[str, Path]:
    """By path on the host, where dockmesh may write below a folder."""
    return {path: folder / path.removeprefix("/") for path in (*PATHS, docker.DAEMON_JSON)}


def _refuse_foreign(folder: Path) -> None:
    for target in _targets(folder).values():
        try:
            foreign = target.exists() and not _is_ours(target.read_text(encoding="utf-8", errors="replace"))
        except OSError as error:
            raise _cannot("read", target, error) from error
        if foreign:
            raise UsageError(f"{target} is there and dockmesh did not write it", do="choose an empty folder")


def _write(folder: Path, files: tuple[File, ...]) -> None:
    wanted = {file.path: file for file in files}
    for path, target in _targets(folder).items():
        try:
            if file := wanted.get(path):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(file.text, encoding="utf-8")
                target.chmod(file.mode)
            else:
                target.unlink(missing_ok=True)
        except OSError as error:
            raise _cannot("write", target, error) from error


def _cannot(verb: str, target: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot {verb} {target}: {error.strerror}", do="choose a folder that you may write to")


def _is_ours(text: str) -> bool:
    return text.startswith(MARK) or f'"{docker.LABEL_KEY}' in text
