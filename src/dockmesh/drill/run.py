"""One fault after another: take a baseline, harm, watch, heal, watch, judge."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from dockmesh.drill import faults
from dockmesh.drill.faults import ABOUT, and_
from dockmesh.drill.injector import FaultInjector
from dockmesh.drill.judge import judge
from dockmesh.drill.pingers import Pingers
from dockmesh.drill.predict import INTERVAL_MS, hold_ms, predict, watch_ms
from dockmesh.drill.rule import rule
from dockmesh.drill.types import Fault, FaultEvidence, FaultKind, FaultResult, Pair, Prediction, Times
from dockmesh.errors import DockmeshError
from dockmesh.plan.types import Plan

POLL_S = 0.4
FRESH_MS = 1000  # a pair is connected if its last answer is younger; pingers write ten times a second
BASELINE_S = 2.0  # measured before each fault
BASELINE_WITHIN_S = 30.0  # and as long as a start may take by the plan
MARGIN_S = 1.5
LEAST_HOLD_S = 4.0
AWAY = (FaultKind.CRASH, FaultKind.REBOOT)  # the connection goes with the host


class DrillProgress(Protocol):
    """Told what a drill is at; whoever shows it decides how."""

    def begin(self, fault: Fault, number: int, of: int, prediction: Prediction) -> None: ...

    def say(self, text: str) -> None: ...

    def silent(self, pairs: Mapping[Pair, float | None]) -> None:
        """For how many milliseconds each pair has had no answer."""

    def end(self, result: FaultResult) -> None: ...


@dataclass(frozen=True, slots=True)
class Drill:
    """What the faults of one drill have in common. `hold_s`: how long each lasts, if not as long as it must."""

    plan: Plan
    ssh_config: Path | None
    injector: FaultInjector
    progress: DrillProgress
    hold_s: float | None = None
    interval_ms: int = INTERVAL_MS


async def carry_out(drill: Drill, chosen: Sequence[Fault]) -> tuple[FaultResult, ...]:
    """Whatever ends it, the fault is healed first.

    Raises DockmeshError where a host cannot be reached, or the mesh is not whole before a fault.
    """
    for text in await drill.injector.leftovers():
        drill.progress.say(f"{text}. It is healed now")
    results = []
    for number, fault in enumerate(chosen, start=1):
        prediction = predict(drill.plan, fault, drill.interval_ms)
        drill.progress.begin(fault, number, len(chosen), prediction)
        async with Pingers(drill.plan, drill.ssh_config, drill.interval_ms) as pingers:
            evidence = await _one(drill, pingers, fault, prediction)
        results.append(judge(fault, prediction, evidence))
        drill.progress.end(results[-1])
    return tuple(results)


def lasts_s(drill: Drill, prediction: Prediction) -> float:
    least_s = max(LEAST_HOLD_S, hold_ms(prediction) / 1000 + MARGIN_S)
    return drill.hold_s if drill.hold_s is not None else least_s


async def _one(drill: Drill, pingers: Pingers, fault: Fault, prediction: Prediction) -> FaultEvidence:
    injector, say = drill.injector, drill.progress.say
    hold_s = lasts_s(drill, prediction)
    watch_s = watch_ms(drill.plan, prediction) / 1000 + MARGIN_S
    start_s = await _baseline(drill, pingers)
    say(faults.words(fault) if fault.kind is FaultKind.REBOOT else f"{faults.words(fault)}, for {hold_s:.0f} s")
    fault_s = time.time()
    try:
        await injector.inject(fault, hold_s)
        harmed_s = time.time()
        pingers.forget(fault.hosts if fault.kind in AWAY else ())
        lacks = None
        if fault.kind is not FaultKind.REBOOT:
            await _watch(drill, pingers, asyncio.sleep(hold_s))
            lacks = await injector.lacks(fault)
        heal_s = time.time()
        say("wait until it is over" if ABOUT[fault.kind].by_itself else "heal it")
        await _watch(drill, pingers, injector.heal(fault))
    except BaseException:
        try:
            say("heal it before this ends")
        finally:  # the terminal may be gone
            await injector.heal(fault)
        say("it is healed")
        raise
    healed_s = time.time()
    await pingers.reach()
    say(f"watch for {watch_s:.0f} s more")
    await _watch(drill, pingers, asyncio.sleep(watch_s))
    await pingers.read()
    times = Times(
        start_s, fault_s, harmed_s, healed_s if ABOUT[fault.kind].by_itself else heal_s, healed_s, end=time.time()
    )
    return FaultEvidence(times, drill.interval_ms, pingers.pings(start_s), lacks)


async def _watch(drill: Drill, pingers: Pingers, work: Any) -> None:
    """Read what the pingers say until the work is done."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await pingers.read()
            drill.progress.silent(pingers.silent())
            await asyncio.wait([task], timeout=POLL_S)
    except BaseException:
        task.cancel()
        raise
    await task


async def _baseline(drill: Drill, pingers: Pingers) -> float:
    """Wait until all pairs have been connected for a while; since when they have.

    Raises DockmeshError.
    """
    drill.progress.say("wait until all are connected")
    within_s = BASELINE_WITHIN_S + sum(term.most for term in rule(drill.plan).start) / 1000
    began_s = since_s = time.time()
    while True:
        await pingers.read()
        silent = pingers.silent()
        drill.progress.silent(silent)
        lost = [pair for pair, ms in silent.items() if ms is None or ms > FRESH_MS]
        now_s = time.time()
        if lost:
            since_s = now_s
        elif now_s > since_s + BASELINE_S:
            return since_s
        if now_s > began_s + within_s:
            named = and_([f"{source} → {target}" for source, target in lost[:4]])
            more = f" and {len(lost) - 4} more" if len(lost) > 4 else ""
            raise DockmeshError(
                f"the mesh is not fully connected: no answer from {named}{more} within {within_s:.0f} s",
                now="no fault was made",
                do="`dockmesh verify` says why; a drill needs a healthy mesh",
            )
        await asyncio.sleep(POLL_S)
