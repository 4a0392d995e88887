"""Prediction × evidence → verdicts. Pure."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from dockmesh.drill.types import (
    Allowance,
    Expected,
    Fault,
    FaultEvidence,
    FaultResult,
    Observed,
    Pair,
    PairResult,
    PairState,
    Prediction,
)
from dockmesh.pings.log import HOLE_S, Outage, Ping, outages
from dockmesh.verify.types import Verdict

# Less than this share of the pings that were due is no measurement.
ENOUGH = 0.7
# At the end of a fault a pair that is apart has been silent for so long at least.
SILENT_S = 0.5


def judge(fault: Fault, prediction: Prediction, evidence: FaultEvidence) -> FaultResult:
    noise = noise_ms(evidence)
    if evidence.lacks:
        return FaultResult(fault, evidence, (), noise)
    pairs = tuple(_pair(pair, expected, evidence, noise) for pair, expected in prediction.items())
    return FaultResult(fault, evidence, pairs, noise)


def noise_ms(evidence: FaultEvidence) -> float:
    """The longest outage before the fault, or the longest time that a pinger was held up: a drill sees no finer."""
    baseline = [_between(pings, evidence.times.start, evidence.times.fault) for pings in evidence.pings.values()]
    silent = [outage.ms for pings in baseline for outage in outages(pings, evidence.interval_ms)]
    late = [
        (later.sent_s - earlier.sent_s) * 1000 - evidence.interval_ms
        for pings in evidence.pings.values()
        for earlier, later in pairwise(pings)
    ]
    held_up = [each for each in late if each <= HOLE_S * 1000]
    return max([0.0, *silent, *held_up])


def _pair(pair: Pair, expected: Expected, evidence: FaultEvidence, noise: float) -> PairResult:
    times, interval = evidence.times, evidence.interval_ms
    pings = evidence.pings.get(pair, ())
    found = outages(pings, interval)
    during = _between(pings, times.fault, times.heal)
    longest = _longest(found, times.fault, times.heal)
    match expected.state:
        case PairState.CONNECTED:
            due = (times.heal - times.fault) * 1000 / interval
            seen = _connected(during, longest, expected.during, due, noise)
        case PairState.APART:
            seen = _apart(_between(during, times.harmed, times.heal), longest, times.heal)
        case PairState.OPEN:
            seen = Observed(longest if during else None, _lost(during), len(during), None)
    # Who was connected counts from the heal on; who was not, from when the heal was done.
    start = times.heal if expected.state is PairState.CONNECTED else times.healed
    after = _between(pings, start, times.end)
    longest = _longest(found, start, times.end)
    return PairResult(pair, expected, seen, _after(after, longest, expected.after, interval, noise))


def _between(pings: Iterable[Ping], start_s: float, end_s: float) -> tuple[Ping, ...]:
    return tuple(ping for ping in pings if start_s <= ping.sent_s < end_s)


def _lost(pings: Iterable[Ping]) -> int:
    return sum(ping.rtt_ms is None for ping in pings)


def _longest(found: Iterable[Outage], start_s: float, end_s: float) -> float:
    """Of what of the outages lies within, in milliseconds."""
    return max(((min(each.end_s, end_s) - max(each.start_s, start_s)) * 1000 for each in found), default=0.0)


def _connected(pings: Sequence[Ping], longest: float, allowed: Allowance, due: float, noise: float) -> Observed:
    if len(pings) < ENOUGH * due:
        return Observed(None, _lost(pings), len(pings), Verdict.UNKNOWN, "too few pings could be sent to tell")
    return _compared(pings, max(0.0, longest), allowed, noise)


def _after(pings: Sequence[Ping], longest: float, allowed: Allowance, interval_ms: int, noise: float) -> Observed:
    if not pings:
        return Observed(None, 0, 0, Verdict.UNKNOWN, "no ping was sent after the heal")
    if pings[-1].rtt_ms is None and all(ping.rtt_ms is None for ping in pings[-int(500 / interval_ms) :]):
        return Observed(max(0.0, longest), _lost(pings), len(pings), Verdict.FAIL, "not connected again at the end")
    return _compared(pings, max(0.0, longest), allowed, noise)


def _compared(pings: Sequence[Ping], longest: float, allowed: Allowance, noise: float) -> Observed:
    seen = Observed(longest, _lost(pings), len(pings), Verdict.PASS)
    if longest <= allowed.ms:
        return seen
    over = f"an outage of {longest:.0f} ms, where {allowed.ms} ms are allowed"
    if longest <= allowed.ms + noise:
        why = f"{over}; without any fault this machine missed {noise:.0f} ms by itself"
        return Observed(longest, seen.lost, seen.sent, Verdict.UNKNOWN, why)
    return Observed(longest, seen.lost, seen.sent, Verdict.FAIL, over)


def _apart(pings: Sequence[Ping], longest: float, heal_s: float) -> Observed:
    last = _between(pings, heal_s - SILENT_S, heal_s)
    seen = Observed(max(0.0, longest), _lost(pings), len(pings), Verdict.PASS)
    if not last:
        return Observed(None, seen.lost, seen.sent, Verdict.UNKNOWN, "no ping was sent while the fault lasted")
    # What waited for its neighbour until the heal, and was answered then, says nothing of the time before.
    if any(ping.rtt_ms is not None and ping.sent_s + ping.rtt_ms / 1000 < heal_s for ping in last):
        why = "pings are answered, though the plan leaves no path"
        return Observed(seen.gap_ms, seen.lost, seen.sent, Verdict.FAIL, why)
    return seen
