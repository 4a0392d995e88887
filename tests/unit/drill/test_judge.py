from dataclasses import replace

import pytest

from dockmesh.drill.judge import judge, noise_ms
from dockmesh.drill.predict import predict
from dockmesh.drill.types import Fault, FaultKind, FaultResult, Pair
from dockmesh.verify.types import Verdict
from tests.unit.drill.worlds import FAULT_S, evidence, judged, pings, plan_of

CUT = Fault(FaultKind.CUT, ("host1", "host2"))
CRASH = Fault(FaultKind.CRASH, ("host2",))


def of(result: FaultResult, pair: Pair) -> tuple[Verdict | None, Verdict | None]:
    (found,) = (each for each in result.pairs if each.pair == pair)
    return found.during.verdict, found.after.verdict


def test_gaps_within_what_is_allowed_pass() -> None:
    result = judged(plan_of(), CUT, {("host1", "host2"): [(0.0, 0.45), (4.5, 6.0)]})

    assert result.verdict is Verdict.PASS
    assert of(result, ("host1", "host2")) == (Verdict.PASS, Verdict.PASS)


def test_a_gap_that_is_longer_than_predicted_fails() -> None:
    result = judged(plan_of(), CUT, {("host1", "host2"): [(0.0, 0.9)]})

    assert result.verdict is Verdict.FAIL
    (pair,) = (each for each in result.pairs if each.verdict is Verdict.FAIL)
    assert pair.during.why == "an outage of 900 ms, where 510 ms are allowed"


def test_a_pair_that_is_not_touched_may_lose_one_ping() -> None:
    free = Fault(FaultKind.CUT, ("host2", "host3"))

    assert judged(plan_of(), free, {("host1", "host2"): [(1.0, 1.01)]}).verdict is Verdict.PASS
    assert judged(plan_of(), free, {("host1", "host2"): [(1.0, 1.03)]}).verdict is Verdict.FAIL


def test_what_a_busy_machine_misses_by_itself_leaves_a_verdict_unknown() -> None:
    result = judged(plan_of(), CUT, {("host1", "host2"): [(-1.0, -0.7), (0.0, 0.7)]})

    assert round(result.noise_ms) == 300
    assert result.verdict is Verdict.UNKNOWN


def test_noise_hides_no_gap_that_is_longer_than_both_together() -> None:
    result = judged(plan_of(), CUT, {("host1", "host2"): [(-1.0, -0.7), (0.0, 0.9)]})

    assert result.verdict is Verdict.FAIL


def test_a_pinger_that_is_held_up_is_noise() -> None:
    seen = evidence(plan_of(), {})
    late = tuple(ping for ping in pings() if not FAULT_S + 1 < ping.sent_s < FAULT_S + 1.5)

    assert noise_ms(replace(seen, pings={**seen.pings, ("host1", "host2"): late})) == pytest.approx(490)


def test_silence_towards_a_dead_host_passes() -> None:
    result = judged(plan_of(), CRASH, {(name, "host2"): [(0.0, 4.1)] for name in ("host1", "host3")})

    assert result.verdict is Verdict.PASS
    assert of(result, ("host2", "host1")) == (None, Verdict.PASS)


def test_an_answer_where_no_way_is_left_fails() -> None:
    result = judged(plan_of(), CRASH, {("host1", "host2"): [(0.0, 4.1)]})

    assert of(result, ("host3", "host2"))[0] is Verdict.FAIL


def test_who_does_not_come_back_fails() -> None:
    result = judged(plan_of(), CRASH, {(name, "host2"): [(0.0, 9.0)] for name in ("host1", "host3")})

    assert of(result, ("host1", "host2"))[1] is Verdict.FAIL


def test_a_fault_that_was_none_leaves_all_unknown() -> None:
    plan = plan_of()

    result = judge(CUT, predict(plan, CUT), evidence(plan, {}, lacks="host1 still pings host2 in the underlay"))

    assert result.verdict is Verdict.UNKNOWN
    assert result.pairs == ()


def test_too_few_pings_are_no_measurement() -> None:
    plan = plan_of()
    seen = evidence(plan, {})
    few = {**seen.pings, ("host1", "host2"): pings(end_s=0.5)}

    result = judge(CUT, predict(plan, CUT), replace(seen, pings=few))

    assert of(result, ("host1", "host2")) == (Verdict.UNKNOWN, Verdict.UNKNOWN)


@pytest.mark.parametrize(("rtt_ms", "verdict"), [(800.0, Verdict.PASS), (20.0, Verdict.FAIL)])
def test_an_answer_counts_as_one_of_the_fault_only_if_it_came_before_the_heal(rtt_ms: float, verdict: Verdict) -> None:
    """A ping waits in the kernel while its neighbour is looked for, and goes out when that is there again."""
    world = evidence(plan_of(), {("host1", "host2"): [(0.0, 4.5)]})
    waited = tuple(
        replace(ping, rtt_ms=rtt_ms) if 3.5 < ping.sent_s - FAULT_S < 3.9 else ping
        for ping in world.pings["host1", "host2"]
    )

    result = judge(CRASH, predict(plan_of(), CRASH), replace(world, pings={**world.pings, ("host1", "host2"): waited}))

    assert of(result, ("host1", "host2"))[0] is verdict
