"""One drill as a page of HTML: a single file, nothing fetched, nothing run. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

import jinja2

from dockmesh.drill.record import BUCKET_MS, DrillRecord, FaultRecord, PairRecord, Part, Phase
from dockmesh.verify.types import Verdict
from dockmesh.visible import visible

# Height of a timeline in its own units; its width is the time in milliseconds.
HEIGHT = 100
LEAST_WIDTH = 0.002  # of the whole: a single lost ping shall be seen
ORDER = {Verdict.FAIL: 0, Verdict.UNKNOWN: 1, Verdict.PASS: 2}  # what did not pass comes first
SYMBOL = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.UNKNOWN: "?"}


@dataclass(frozen=True, slots=True)
class Box:
    """A stretch of time, in milliseconds from the left."""

    x: int
    width: int
    look: str  # a class of the style sheet


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment that the axis names."""

    x: int
    percent: float
    word: str
    at: str


@dataclass(frozen=True, slots=True)
class Line:
    """The timeline of one pair."""

    pair: PairRecord
    measured: tuple[Box, ...]
    gaps: tuple[Box, ...]
    allowed: tuple[Box, ...]
    rtt: tuple[str, ...]  # polylines
    said: str
    title: str


@dataclass(frozen=True, slots=True)
class Sum:
    """An allowed gap, in words."""

    ms: int
    terms: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    fault: FaultRecord
    width: int
    marks: tuple[Mark, ...]
    lines: tuple[Line, ...]
    sums: tuple[Sum, ...]


_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("dockmesh.drill"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=True,
    finalize=lambda value: visible(value) if type(value) is str else value,
)


def page(record: DrillRecord) -> str:
    return _templates.get_template("report.html.j2").render(
        drill=record, pictures=[picture(fault) for fault in record.faults], symbol=SYMBOL, height=HEIGHT
    )


def picture(fault: FaultRecord) -> Picture:
    width = fault.to_ms - fault.from_ms
    return Picture(
        fault,
        width,
        tuple(_marks(fault, width)),
        tuple(_line(fault, pair, width) for pair in sorted(fault.pairs, key=lambda pair: ORDER[Verdict(pair.verdict)])),
        tuple(
            Sum(phase.allowed_ms, phase.terms)
            for phase in dict.fromkeys(
                Phase(phase.allowed_ms, phase.terms, None, 0, 0, None, "")
                for pair in fault.pairs
                for phase in (pair.during, pair.after)
            )
            if phase.allowed_ms is not None and len(phase.terms) > 1
        ),
    )


def _marks(fault: FaultRecord, width: int) -> Iterator[Mark]:
    moments = [(0, "fault"), (fault.heal_ms, "heal")]
    if fault.healed_ms - fault.heal_ms > width / 10:
        moments.append((fault.healed_ms, "healed"))
    for ms, word in moments:
        yield Mark(ms - fault.from_ms, 100 * (ms - fault.from_ms) / width, word, f"{ms / 1000:.1f} s")


def _line(fault: FaultRecord, pair: PairRecord, width: int) -> Line:
    def box(start_ms: int, end_ms: int, look: str, least: float = 0) -> Box:
        start, end = max(start_ms, fault.from_ms), min(end_ms, fault.to_ms)
        return Box(start - fault.from_ms, max(end - start, round(least * width)), look)

    answers = [rtt for rtt in pair.rtt_ms if rtt is not None]
    most = max(answers, default=None)
    after_ms = fault.heal_ms if pair.expected == "connected" else fault.healed_ms
    return Line(
        pair,
        measured=tuple(box(start, end, "answered") for start, end in pair.measured),
        gaps=tuple(box(start, end, look, LEAST_WIDTH) for start, end, look in _parts(pair, after_ms)),
        allowed=tuple(
            box(start, start + allowed, "allowed")
            for start, allowed in ((0, pair.during.allowed_ms), (after_ms, pair.after.allowed_ms))
            if allowed is not None
        ),
        rtt=tuple(_polylines(pair, most)) if most else (),
        said=_said(pair),
        title=f"{pair.source} → {pair.target}: {_told(pair.during, pair.expected)} while it lasts, "
        f"{_told(pair.after, 'connected')} after it",
    )


def _parts(pair: PairRecord, after_ms: int) -> Iterator[tuple[int, int, str]]:
    """The gaps, parted where the heal begins to count: red what failed, grey what was to be, amber what was allowed."""
    for start, end in pair.gaps:
        if start < after_ms:
            part = min(end, after_ms)
            allowed = "failed" if _is_longest(pair.during, part - start) else "gap"
            yield start, part, allowed if pair.expected == "connected" else "apart"
        if end > after_ms:
            part = max(start, after_ms)
            yield part, end, "failed" if _is_longest(pair.after, end - part) else "gap"


def _is_longest(phase: Phase, ms: int) -> bool:
    """Of a phase that failed: the gap for which it did, or one as long, but for rounding."""
    return phase.verdict == Verdict.FAIL and phase.gap_ms is not None and ms >= phase.gap_ms - 20


def _said(pair: PairRecord) -> str:
    """The figure beside the line: of the phase that has the verdict, in case of doubt that of the fault."""
    if pair.during.verdict not in (None, pair.verdict):
        return f"{_figure(pair.after)} after it"
    return "apart" if pair.expected == "apart" else _figure(pair.during)


def _figure(phase: Phase) -> str:
    if phase.gap_ms is None:
        return "not measured"
    allowed = "" if phase.allowed_ms is None else f" of {phase.allowed_ms}"
    return f"{phase.gap_ms:.0f}{allowed} ms"


def _told(phase: Phase, expected: str) -> str:
    if phase.gap_ms is None:
        return "nothing was measured"
    return "apart" if expected == "apart" else f"{phase.gap_ms:.0f} ms silent at most"


def _polylines(pair: PairRecord, most: float) -> Iterator[str]:
    """Round-trip times from the bottom (nothing) to near the top (the longest), parted where there was no answer."""
    points: list[str] = []
    for place, rtt in enumerate(pair.rtt_ms):
        if rtt is not None:
            points.append(f"{round((place + 0.5) * BUCKET_MS)},{round(HEIGHT * (0.92 - 0.8 * rtt / most))}")
        elif points:
            yield " ".join(points)
            points = []
    if points:
        yield " ".join(points)
