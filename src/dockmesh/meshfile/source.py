"""A mesh file as text: read within limits, decoded, and free of characters that mean nothing in it."""

import re
import sys
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from dockmesh.meshfile.problems import MeshFileError, Problem, Span

MAX_BYTES = 1024 * 1024
# As a file's name; what comes from there has no folder of its own, and is named in words.
STANDARD_INPUT, STANDARD_INPUT_NAME = Path("-"), "standard input"

BOM = "\ufeff"
LINE_BREAK = re.compile(r"\r\n|\r|\n")
# YAML 1.2 section 5.1, less U+0085, U+2028 and U+2029: YAML 1.1 ends a line there, and no editor does.
NOT_ALLOWED = re.compile(r"[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]+")
ODD_SPACE = re.compile(r"[\xa0\u1680\u2000-\u200b\u202f\u205f\u3000]+")
QUOTED_OR_COMMENT = re.compile(r"""(?<![\w.-])(?:"(?:[^"\\]|\\.)*"|'[^']*')|(?:^|(?<=\s))#.*""")
TAB_INDENT = re.compile(r" *(\t[ \t]*)(?=[^\s#])")


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a mesh file, and the name under which the user knows it."""

    name: str
    text: str
    lines: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", tuple(LINE_BREAK.split(self.text)))

    def refuse(self, *problems: Problem) -> MeshFileError:
        return MeshFileError(self.name, self.lines, problems)

    def span(self, line: int, column: int, end_line: int, end_column: int) -> Span:
        """The part of a piece of text (lines and columns from 0, end excluded) that lies on its first line."""
        line = min(line, len(self.lines) - 1)
        stop = end_column if end_line == line else len(self.lines[line].rstrip())
        return Span(line + 1, column + 1, max(1, stop - column))


def read_bytes(path: Path) -> bytes:
    """The content of the file, at most `MAX_BYTES` of it.

    Raises MeshFileError when it cannot be read or is larger.
    """
    try:
        with nullcontext(sys.stdin.buffer) if path == STANDARD_INPUT else path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _refuse(path, "no such file", "Write one with `dockmesh init HOST…`, or name another with -f.") from None
    except IsADirectoryError:
        hint = f"Name the file in it, such as -f {path / 'dockmesh.yaml'}."
        raise _refuse(path, "this is a directory, not a mesh file", hint) from None
    except PermissionError:
        raise _refuse(path, "this file may not be read by you", "Look at its mode and owner with `ls -l`.") from None
    except OSError as error:
        raise _refuse(path, f"cannot be read: {error.strerror}", "Is the path right?") from None
    except ValueError:
        raise _refuse(path, "this is not a path", "A path holds no NUL character.") from None
    if len(content) > MAX_BYTES:
        hint = "A mesh of 1,000 hosts needs about a tenth of that. Is this the right file?"
        raise _refuse(path, "larger than 1 MiB", hint)
    return content


def _refuse(path: Path, what: str, hint: str) -> MeshFileError:
    return MeshFileError(str(path), (), [Problem(what, hint)])


def decode(name: str, content: bytes) -> Source:
    """The content as text.

    Raises MeshFileError, with every place, when it is not UTF-8, holds control characters or what looks like a space,
    or is indented with tabs.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_utf8(name, content, error) from None
    source = Source(name, text.removeprefix(BOM))
    problems = [*_control_characters(source), *_tabs(source), *_odd_spaces(source)]
    if problems:
        raise source.refuse(*problems)
    return source


def _not_utf8(name: str, content: bytes, error: UnicodeDecodeError) -> MeshFileError:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return MeshFileError(name, (), [Problem("not UTF-8 but UTF-16", "Save the file as UTF-8.")])
    before = LINE_BREAK.split(content[: error.start].decode("utf-8").removeprefix(BOM))
    # Bytes that are no text are shown as their value, one escape of four characters each.
    source = Source(name, content.decode("utf-8", errors="backslashreplace").removeprefix(BOM))
    span = Span(len(before), len(before[-1]) + 1, 4)
    what = f"not UTF-8: byte 0x{content[error.start]:02x}"
    return source.refuse(Problem(what, "Save the file as UTF-8; an older encoding such as Latin-1 is not read.", span))


def _control_characters(source: Source) -> list[Problem]:
    if not NOT_ALLOWED.search(source.text):
        return []
    return [
        Problem(
            f"character U+{ord(found[0][0]):04X} is not allowed in a mesh file",
            "Delete it; some editors show it only when asked for hidden characters.",
            Span(number, found.start() + 1, len(found[0])),
        )
        for number, line in enumerate(source.lines, 1)
        for found in NOT_ALLOWED.finditer(line)
    ]


def _odd_spaces(source: Source) -> list[Problem]:
    """Outside of quotes and comments, where each looks like a space and is a letter to YAML."""
    if not ODD_SPACE.search(source.text):
        return []
    return [
        Problem(
            f"U+{ord(found[0][0]):04X}, which looks like a space and is not one",
            "Write a space in its place; it often comes with text that was copied from a page.",
            Span(number, found.start() + 1, len(found[0])),
        )
        for number, line in enumerate(source.lines, 1)
        for found in ODD_SPACE.finditer(QUOTED_OR_COMMENT.sub(lambda match: " " * len(match[0]), line))
    ]


def _tabs(source: Source) -> list[Problem]:
    if "\t" not in source.text:
        return []
    return [
        Problem(
            "a tab in the indentation",
            "YAML is indented with spaces only: two for each level.",
            Span(number, found.start(1) + 1, len(found[1])),
        )
        for number, line in enumerate(source.lines, 1)
        if (found := TAB_INDENT.match(line))
    ]
