"""Bars as an SVG picture, light or dark as the reader has it. Pure."""

from dataclasses import dataclass

import jinja2

WIDTH, NAME_WIDTH = 760, 150
LETTER = 7  # the width of most, at 12 pixels
ROW, HEAD, GAP, MARGIN = 20, 30, 14, 16


@dataclass(frozen=True, slots=True)
class Bar:
    """`share` of the panel's width, 0 to 1 and a little beyond; None: not measured. `look`: ours, other or never."""

    name: str
    share: float | None
    said: str
    look: str


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    y: int
    panel: Panel
    bars: tuple[tuple[int, float, Bar], ...]  # y, width, bar


_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("bench.peers"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=True,
)


def picture(panels: tuple[Panel, ...], foot: str) -> str:
    """Without the panels that nothing was measured for."""
    shown = [panel for panel in panels if any(bar.share is not None for bar in panel.bars)]
    bars = [bar for panel in shown for bar in panel.bars]
    longest = max((bar.share or 0 for bar in bars), default=1)
    room = WIDTH - 2 * MARGIN - NAME_WIDTH - LETTER * max((len(bar.said) for bar in bars), default=0)
    placed, y = [], MARGIN
    for panel in shown:
        scale = room / max(1.0, longest)
        lines = tuple(
            (y + HEAD + ROW * place, round(scale * (bar.share or 0), 1), bar) for place, bar in enumerate(panel.bars)
        )
        placed.append(Placed(y + ROW, panel, lines))
        y += HEAD + ROW * len(panel.bars) + GAP
    return _templates.get_template("peers.svg.j2").render(
        panels=placed, foot=foot, width=WIDTH, height=y + ROW, left=MARGIN, bar_left=MARGIN + NAME_WIDTH, row=ROW
    )
