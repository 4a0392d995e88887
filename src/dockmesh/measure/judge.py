"""What hosts said of one step, read and put together: a figure for each pair, or why there is none. Pure."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dockmesh.errors import DockmeshError
from dockmesh.measure.types import Datagrams, Figure, Missing, Pair, Pings, Step, Stream, Taken
from dockmesh.transport.requests import Answer
from dockmesh.typed import of_its_type

REASON_LENGTH = 200
SHORTEST_S = 0.01  # a stream that lasted less has no rate


@dataclass(frozen=True, slots=True)
class Received:
    """One host's part in a step: what it received, by sender, its own pings, and what of its sending failed."""

    pings: Mapping[str, Pings]
    streams: Mapping[str, Stream]
    datagrams: Mapping[str, Datagrams]
    failed: Mapping[str, str]


def read(answer: Answer) -> Received:
    """Raises ValueError, TypeError or LookupError for what is no answer of agent/measure.py."""
    if not answer.ok:
        lines = answer.err.strip().splitlines()
        return Received({}, {}, {}, {"": (lines[-1] if lines else f"exit {answer.code}")[:REASON_LENGTH]})
    said = json.loads(answer.out)
    received: dict[str, dict[str, Any]] = said.get("received", {})
    return of_its_type(
        Received(
            {name: _pings(**each) for name, each in said.get("pings", {}).items()},
            {name: _stream(**each) for name, each in received.items() if "bytes" in each},
            {name: _datagrams(**each) for name, each in received.items() if "packets" in each},
            {name: str(why)[:REASON_LENGTH] for name, why in said.get("failed", {}).items()},
        )
    )


def _pings(sent: int, us: list[int]) -> Pings:
    return Pings(_count(sent), tuple(map(_count, us)))


def _stream(bytes: int, seconds: float) -> Stream:  # noqa: A002  as the agent calls it
    return Stream(_count(bytes), _seconds(seconds))


def _datagrams(packets: int, sent: int, seconds: float) -> Datagrams:
    return Datagrams(_count(sent), _count(packets), _seconds(seconds))


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r:.40} is no count")
    return value


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{value!r:.40} is no time")
    return float(value)


def judge(step: Step, heard: Mapping[str, Received], gone: Mapping[str, DockmeshError]) -> dict[Pair, Taken]:
    """A figure or a reason for each pair of the step."""
    return {pair: _taken(step.figure, pair, heard, gone) for pair in step.pairs}


def _taken(figure: Figure, pair: Pair, heard: Mapping[str, Received], gone: Mapping[str, DockmeshError]) -> Taken:
    for name in (pair.source, pair.target):
        if name in gone:
            return Missing(f"{name}: {gone[name].report.what}")
    source, target = heard[pair.source], heard.get(pair.target)
    if figure is Figure.LATENCY:
        pings = source.pings.get(pair.target)
        if pings is None:
            return Missing(_why(pair, source))
        return pings if pings.us else Missing(f"none of {pings.sent} pings was answered")
    found: Stream | Datagrams | None = None
    if target is not None:
        found = (target.datagrams if figure is Figure.PACKETS else target.streams).get(pair.source)
    if found is None:
        return Missing(_why(pair, source, target))
    if isinstance(found, Stream) and found.seconds < SHORTEST_S:
        return Missing(f"only {found.bytes} bytes arrived")
    return found


def _why(pair: Pair, source: Received, target: Received | None = None) -> str:
    """Of the reasons that hosts gave, the one nearest to the cause."""
    if target is not None and "" in target.failed:
        return f"{pair.target}: {target.failed['']}"
    if reason := source.failed.get("", source.failed.get(pair.target)):
        return f"{pair.source}: {reason}"
    return f"{pair.target} does not say what arrived"
