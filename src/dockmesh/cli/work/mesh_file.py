"""The mesh file as something that a command changes, and what is said of it afterwards."""

from pathlib import Path
from shlex import quote

from rich.markup import escape

from dockmesh.agent.replace import replace
from dockmesh.errors import UsageError
from dockmesh.history.held import held
from dockmesh.meshfile.edit.hosts import replace_comment
from dockmesh.plan.room import Room


def replace_file(file: Path, before: bytes, after: bytes) -> None:
    """Write `after` where `before` was: all of it or nothing. Mode, owner and a link that leads to it stay.

    Raises UsageError when it says something else than `before` by now, or cannot be written.
    """
    target = file.resolve()
    try:
        with held(target.with_name(f".{target.name}.lock")):
            if target.read_bytes() != before:
                raise UsageError(f"{file} was changed meanwhile", now="nothing was written", do="run the command again")
            state = target.stat()
            replace(str(target), after, state.st_mode & 0o7777, (state.st_uid, state.st_gid))
    except OSError as error:
        raise UsageError(
            f"cannot write {file}: {error.strerror}",
            now="it is as it was",
            do="check that its folder may be written: the new text is written beside it, then takes its place",
        ) from error


def with_room(content: bytes, before: Room, after: Room) -> bytes:
    """The content with the comment on the room that is left kept true, where it has one that was."""
    for said in (before.text, _said_by_0_1(before.hosts)):
        content = replace_comment(content, said, after.text)
    return content


def _said_by_0_1(hosts: int) -> str:
    if hosts == 0:
        return "No more hosts fit without changing others; --max-hosts leaves room."
    return f"{hosts} more {'host fits' if hosts == 1 else 'hosts fit'} without changing others."


def flag(option: str, file: Path | None) -> str:
    """The option with its file for a command to copy; nothing where it was not given."""
    return escape(f" {option} {quote(str(file))}") if file else ""
