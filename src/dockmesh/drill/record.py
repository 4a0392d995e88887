"""What is kept of a drill: for the history, the report and `--json`. Pure.

Times are in milliseconds from the fault on, so that nobody needs the clocks.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from dockmesh.drill import faults
from dockmesh.drill.types import Allowance, FaultResult, Observed, PairResult, Times
from dockmesh.pings.log import HOLE_S, Ping, outages
from dockmesh.verify.types import Verdict, worst

BUCKET_MS = 100  # of the round-trip times that are kept


@dataclass(frozen=True, slots=True)
class Part:
    """Of the sum that is allowed."""

    name: str
    most_ms: int
    source: str


@dataclass(frozen=True, slots=True)
class Phase:
    """Of one pair. `allowed_ms` None: nothing was promised. `gap_ms` None: nothing was measured."""

    allowed_ms: int | None
    terms: tuple[Part, ...]
    gap_ms: float | None
    lost: int
    sent: int
    verdict: str | None
    why: str


@dataclass(frozen=True, slots=True)
class PairRecord:
    source: str
    target: str
    expected: str  # connected, apart or open
    why: str
    during: Phase
    after: Phase
    verdict: str
    measured: tuple[tuple[int, int], ...]  # from, to
    gaps: tuple[tuple[int, int], ...]
    rtt_ms: tuple[float | None, ...]  # the median of each tenth of a second, from `from_ms` on


@dataclass(frozen=True, slots=True)
class FaultRecord:
    fault: str  # as the command line takes it
    words: str
    verdict: str
    lacks: str | None
    noise_ms: float
    from_ms: int  # the first ping that is kept, before the fault
    harmed_ms: int
    heal_ms: int
    healed_ms: int
    to_ms: int
    pairs: tuple[PairRecord, ...]


@dataclass(frozen=True, slots=True)
class DrillRecord:
    """One run of `dockmesh drill run`."""

    run: str
    who: str
    since: str  # UTC, RFC 3339
    mesh: str
    place: str  # "lab" or "hosts"
    forwarding: str
    seed: int | None
    interval_ms: int
    ended: str  # "done", "failed", "interrupted"
    chosen: tuple[str, ...]  # the faults that were to be made, as the command line takes them
    faults: tuple[FaultRecord, ...]

    @property
    def verdict(self) -> Verdict:
        """Of all that was done; what was interrupted is not passed."""
        ended = [] if self.ended == "done" else [Verdict.UNKNOWN]
        return worst([*(Verdict(fault.verdict) for fault in self.faults), *ended])


def record_of(result: FaultResult) -> FaultRecord:
    times = result.evidence.times
    return FaultRecord(
        fault=str(result.fault),
        words=faults.words(result.fault),
        verdict=str(result.verdict),
        lacks=result.evidence.lacks,
        noise_ms=round(result.noise_ms, 1),
        from_ms=_ms(times, times.start),
        harmed_ms=_ms(times, times.harmed),
        heal_ms=_ms(times, times.heal),
        healed_ms=_ms(times, times.healed),
        to_ms=_ms(times, times.end),
        pairs=tuple(_pair(result, pair) for pair in result.pairs),
    )


def _ms(times: Times, at_s: float) -> int:
    return round((at_s - times.fault) * 1000)


def _pair(result: FaultResult, pair: PairResult) -> PairRecord:
    times, interval_ms = result.evidence.times, result.evidence.interval_ms
    pings = result.evidence.pings.get(pair.pair, ())
    return PairRecord(
        source=pair.pair[0],
        target=pair.pair[1],
        expected=str(pair.expected.state),
        why=pair.expected.why,
        during=_phase(pair.expected.during, pair.during, promised=pair.expected.state == "connected"),
        after=_phase(pair.expected.after, pair.after, promised=True),
        verdict=str(pair.verdict),
        measured=tuple((_ms(times, first), _ms(times, last) + interval_ms) for first, last in _spans(pings)),
        gaps=tuple((_ms(times, each.start_s), _ms(times, each.end_s)) for each in outages(pings, interval_ms)),
        rtt_ms=_medians(pings, times),
    )


def _phase(allowed: Allowance, seen: Observed, *, promised: bool) -> Phase:
    terms = tuple(Part(term.name, term.most, term.source) for term in allowed.terms) if promised else ()
    return Phase(
        allowed.ms if promised else None,
        terms,
        None if seen.gap_ms is None else round(seen.gap_ms),
        seen.lost,
        seen.sent,
        None if seen.verdict is None else str(seen.verdict),
        seen.why,
    )


def _spans(pings: Sequence[Ping]) -> Iterable[tuple[float, float]]:
    """From when to when pings were sent."""
    if not pings:
        return
    first = pings[0].sent_s
    for earlier, later in pairwise(pings):
        if later.sent_s - earlier.sent_s > HOLE_S:
            yield first, earlier.sent_s
            first = later.sent_s
    yield first, pings[-1].sent_s


def _medians(pings: Sequence[Ping], times: Times) -> tuple[float | None, ...]:
    """Of each tenth of a second from `times.start` to the end; None where there was no answer."""
    buckets: list[list[float]] = [[] for _ in range(int((times.end - times.start) * 1000 // BUCKET_MS) + 1)]
    for ping in pings:
        place = int((ping.sent_s - times.start) * 1000 // BUCKET_MS)
        if ping.rtt_ms is not None and 0 <= place < len(buckets):
            buckets[place].append(ping.rtt_ms)
    return tuple(round(sorted(each)[len(each) // 2], 1) if each else None for each in buckets)


def drill_json(record: DrillRecord) -> dict[str, Any]:
    return {**asdict(record), "verdict": str(record.verdict)}


def read_drill(content: Mapping[str, Any]) -> DrillRecord:
    """Raises KeyError, TypeError or ValueError for what is none."""
    known = {name: value for name, value in content.items() if name not in ("verdict", "chosen", "faults")}
    return DrillRecord(
        **known, chosen=tuple(content["chosen"]), faults=tuple(_read_fault(fault) for fault in content["faults"])
    )


def _read_fault(content: Mapping[str, Any]) -> FaultRecord:
    return FaultRecord(**{**content, "pairs": tuple(_read_pair(pair) for pair in content["pairs"])})


def _read_pair(content: Mapping[str, Any]) -> PairRecord:
    lists = {
        "measured": tuple((first, last) for first, last in content["measured"]),
        "gaps": tuple((first, last) for first, last in content["gaps"]),
        "rtt_ms": tuple(content["rtt_ms"]),
    }
    phases = {name: _read_phase(content[name]) for name in ("during", "after")}
    return PairRecord(**{**content, **lists, **phases})


def _read_phase(content: Mapping[str, Any]) -> Phase:
    return Phase(**{**content, "terms": tuple(Part(**term) for term in content["terms"])})
