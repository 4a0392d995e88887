"""`dockmesh` alone: what to do next in the folder that it stands in."""

import os
from pathlib import Path

from dockmesh.cli import options
from dockmesh.cli.show import counted, out
from dockmesh.cli.work.mesh_file import flag
from dockmesh.history import store
from dockmesh.meshfile.load import parse
from dockmesh.meshfile.problems import MeshFileError
from dockmesh.meshfile.source import read_bytes


def show_next_step() -> None:
    file = Path(os.environ.get(options.FILE_VARIABLE) or options.DEFAULT_FILE)
    now, steps = next_steps(file, None if file == options.DEFAULT_FILE else file)
    out.print(now, markup=False)
    width = max(len(command) for command, _ in steps)
    for command, why in steps:
        out.print(f"  {command:<{width}}  {why}", markup=False)


def next_steps(file: Path, named: Path | None) -> tuple[str, list[tuple[str, str]]]:
    """What there is now, and the commands that lead on, each with what it does. Contacts no host."""
    option = flag("-f", named)
    if not file.exists():
        return f"There is no {file} here.", [
            ("dockmesh init [USER@]HOST [USER@]HOST…", "writes one for these hosts"),
            ("dockmesh lab up", "makes hosts on this machine to try it on, as root"),
            ("dockmesh --help", "shows all commands"),
        ]
    try:
        content = read_bytes(file)
        mesh = parse(str(file), content)
    except MeshFileError as error:
        return f"{file} has {counted(len(error.problems) + error.more, 'mistake')}.", [
            (f"dockmesh plan{option}", "shows where, and what was expected"),
        ]
    head = f"{file}: mesh '{mesh.name}', {counted(len(mesh.hosts), 'host')}"
    runs = [record for record in store.load_all(file) if record.changed or record.made_it_real]
    if not runs or runs[-1].why == store.DESTROY:
        state = "was never applied from here" if not runs else "was taken down"
        return f"{head}; it {state}.", [
            (f"dockmesh plan{option}", "shows what follows from the file; contacts no host"),
            (f"dockmesh preflight{option}", "asks the hosts what is in the way"),
            (f"dockmesh apply{option}", "applies the file; shows what it changes, and asks first"),
        ]
    last = runs[-1]
    if last.ended == store.RunState.NOT_PROVEN:
        return f"{head}; the last run ({last.run}) is done, and its verification failed.", [
            (f"dockmesh verify{option}", "verifies it again, and says what is wrong and why"),
            (f"dockmesh status{option}", "shows the mesh as it is now"),
            (f"dockmesh rollback{option}", "applies the file before it again"),
        ]
    if not last.made_it_real:
        return f"{head}; the last run ({last.run}) {_how(last)}.", [
            (f"dockmesh status{option}", "shows the mesh as it is now"),
            (f"dockmesh history {last.run}{option}", "shows what that run did"),
            (f"dockmesh apply{option}", "goes on from there"),
        ]
    if last.file.encode() != content:
        return f"{head}; the file says something else than what was applied last.", [
            (f"dockmesh diff{option}", "shows what differs; changes nothing"),
            (f"dockmesh apply{option}", "applies the file; shows what it changes, and asks first"),
        ]
    return f"{head}; applied {last.since.replace('T', ' ').replace('Z', ' UTC')}.", [
        (f"dockmesh status{option}", "shows the mesh as it is now"),
        (f"dockmesh ps{option}", "shows its containers"),
        ("dockmesh --help", "shows all commands"),
    ]


def _how(last: store.Record) -> str:
    return "failed" if last.ended == store.RunState.FAILED else "was interrupted"
