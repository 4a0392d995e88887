"""What is wrong with a mesh file, and how it is told: the place, the line, a caret, what was expected."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from textwrap import wrap

from dockmesh.errors import UsageError
from dockmesh.meshfile.excerpt import excerpt, shown

# More than this is no longer read by anyone, and a hostile file could make millions.
SHOWN_PROBLEMS = 100
HINT_WIDTH = 120


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A piece of one line. `line` and `column` count from 1, `column` and `length` in characters."""

    line: int
    column: int
    length: int = 1


class Mistake(Enum):
    """Those that a good edit may lead to, for whoever gives advice on it."""

    UNCONNECTED = auto()
    UNKNOWN_HUB = auto()
    ONE_SITE = auto()
    UNKNOWN_ANCHOR = auto()


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. Without a span it is about the whole file."""

    what: str
    hint: str
    span: Span | None = None
    mistake: Mistake | None = None

    @property
    def sort_key(self) -> tuple[Span, str]:
        return self.span or Span(0, 0), self.what


class MeshFileError(UsageError):
    """Every problem of one mesh file, in the order of the file; `str()` is the whole text for a person."""

    def __init__(self, file: str, lines: Sequence[str], problems: Iterable[Problem]) -> None:
        every = sorted(set(problems), key=lambda problem: problem.sort_key)
        self.problems: tuple[Problem, ...] = tuple(every[:SHOWN_PROBLEMS])
        self.more = len(every) - len(self.problems)
        super().__init__(_text(shown(file), lines, self.problems, self.more))


def _text(file: str, lines: Sequence[str], problems: Sequence[Problem], more: int) -> str:
    parts = ["\n".join(_problem_lines(file, lines, problem)) for problem in problems]
    if more:
        parts.append(f"{file}: {len(problems) + more} mistakes, of which these are the first {len(problems)}")
    elif len(problems) > 1:
        parts.append(f"{file}: {len(problems)} mistakes")
    return "\n\n".join(parts)


def _problem_lines(file: str, lines: Sequence[str], problem: Problem) -> list[str]:
    # Whoever quotes the file escapes it; once more here, so that a forgotten place shows an escape and obeys to none.
    what = shown(problem.what)
    hint = [wrapped for line in problem.hint.split("\n") for wrapped in _wrap(shown(line))]
    if problem.span is None:
        return [f"{file}: {what}", *hint]
    line, column, length = problem.span.line, problem.span.column, problem.span.length
    text, carets = excerpt(lines[line - 1], column, length)
    return [
        f"{file}:{line}:{column}: {what}",
        f"{line:>5} | {text}",
        f"{'':>5} | {carets}",
        *hint,
    ]


def _wrap(line: str) -> list[str]:
    indent = " " * 3
    return wrap(
        line,
        HINT_WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
