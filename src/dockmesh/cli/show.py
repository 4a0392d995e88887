"""The two consoles, and how an error looks. Standard output is for results, standard error for the rest."""

import json
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from dockmesh.errors import DockmeshError
from dockmesh.visible import visible, visible_json

# What is not read on a terminal is read in a log or by another program: nobody there wants lines cut at 80 columns.
LOG_WIDTH = 160


class Screen(Console):
    """Nothing that a host says is obeyed by the terminal, in whatever table or error it stands."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text), segment.style)


out = Screen(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else LOG_WIDTH)
err = Screen(
    highlight=False, emoji=False, soft_wrap=True, width=None if sys.stderr.isatty() else LOG_WIDTH, stderr=True
)


def print_json(content: Any) -> None:
    """JSON for machines: stable names, no colour, no wrapping."""
    print(visible_json(json.dumps(content, indent=2, ensure_ascii=False)))  # noqa: T201


def show_error(error: DockmeshError) -> None:
    head, *rest = str(error).split("\n")
    text = Text()
    text.append("✗ " if err.is_terminal else "error: ", style="bold red")
    text.append(head, style="bold")
    for line in rest:
        text.append("\n" + line)
    err.print(text)


def counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
