"""An edit of the mesh file: written, and shown with what follows from it."""

from pathlib import Path

from dockmesh.cli import options
from dockmesh.cli.edit import Edit
from dockmesh.cli.json.edits import edit_json
from dockmesh.cli.screens.edits import effect_lines, network_lines
from dockmesh.cli.show import err, out, print_json
from dockmesh.cli.work.mesh_file import flag, replace_file, with_room
from dockmesh.meshfile.load import parse
from dockmesh.plan.build import build
from dockmesh.plan.effect import effect
from dockmesh.plan.remarks import remarks
from dockmesh.plan.room import room_of


def edited(file: Path, before: bytes, after: bytes) -> Edit:
    """The comment that `dockmesh init` wrote on the room left is kept true, if it is."""
    old, new = parse(str(file), before), parse(str(file), after)
    after = with_room(after, room_of(old), room_of(new))
    return Edit(file, before, after, old, new, effect(build(old), build(new)))


def carry_out(edit: Edit, ssh_config: Path | None, *, dry_run: bool, json: bool) -> None:
    """Write the file, unless it is a dry run, and show what became of it."""
    if not dry_run:
        replace_file(edit.file, edit.before, edit.after)
    if json:
        print_json(edit_json(edit, written=not dry_run))
        return
    for line in edit.difference:
        out.print(line, markup=False, style={"+": "green", "-": "red", "@": "dim"}.get(line[:1]))
    for text in effect_lines(edit.effect):
        out.print(text, markup=False)
    for text in network_lines(edit):
        out.print(text, markup=False)
    if edit.gone:
        verb = "is" if len(edit.gone) == 1 else "are"
        out.print(f"{', '.join(edit.gone)} {verb} not contacted. Once applied, the others take no tunnel from there.")
        if edit.old.docker_api is not None:
            hosts = " ".join(f"--host {name}" for name in edit.gone)
            out.print(
                f"The certificate for Docker's API that is there stays good until it ends. `dockmesh destroy {hosts}` "
                "takes it away, by the file of before; `dockmesh access rotate` ends it with all others.",
                markup=False,
            )
    elif edit.came or edit.networks_came:
        out.print(room_of(edit.new).text, markup=False)
    for text in remarks(edit.networks_came):
        err.print(f"[bold yellow]![/] {text}")
    if dry_run:
        out.print("Nothing was written.")
        return
    named = None if edit.file == options.DEFAULT_FILE else edit.file
    out.print(f"Next: `dockmesh apply{flag('-f', named)}{flag('--ssh-config', ssh_config)}` makes it real.")
