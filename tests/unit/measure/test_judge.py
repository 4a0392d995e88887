import json
from typing import Any

import pytest

from dockmesh.errors import ConnectError
from dockmesh.measure.judge import Received, judge, read
from dockmesh.measure.types import Datagrams, Figure, Missing, Pair, Pings, Step, Stream
from dockmesh.transport.requests import Answer
from dockmesh.transport.understand import MISREAD

PAIR = Pair("host1", "host2")
NOTHING = Received({}, {}, {}, {})


def said(**answer: Any) -> Received:
    return read(Answer(0, json.dumps(answer)))


def test_round_trips_have_a_median_and_a_slow_end() -> None:
    heard = said(pings={"host2": {"sent": 20, "us": list(range(100, 2000, 100))}})

    (found,) = judge(Step(Figure.LATENCY, (PAIR,)), {"host1": heard}, {}).values()

    assert isinstance(found, Pings)
    assert (found.median_ms, found.sent, len(found.us)) == (1.0, 20, 19)
    assert found.p95_ms == pytest.approx(1.81, abs=0.01)


def test_what_counts_is_what_arrived() -> None:
    sender = said(received={}, failed={})
    receiver = said(received={"host1": {"bytes": 25_000_000, "seconds": 2.0}}, failed={})

    found = judge(Step(Figure.GOODPUT, (PAIR,)), {"host1": sender, "host2": receiver}, {})[PAIR]

    assert found == Stream(25_000_000, 2.0)
    assert isinstance(found, Stream)
    assert found.mbit == 100.0


def test_datagrams_that_arrived_are_compared_with_those_that_left() -> None:
    receiver = said(received={"host1": {"packets": 19_000, "sent": 20_000, "seconds": 2.0}}, failed={})

    found = judge(Step(Figure.PACKETS, (PAIR,)), {"host1": NOTHING, "host2": receiver}, {})[PAIR]

    assert isinstance(found, Datagrams)
    assert found.per_second == 9500.0
    assert found.lost == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("sender", "receiver", "reason"),
    [
        (said(failed={"host2": "timed out"}), said(received={}), "host1: timed out"),
        (said(failed={"host2": "refused"}), read(Answer(1, "", "x\nOSError: in use")), "host2: OSError: in use"),
        (said(failed={}), said(received={}), "host2 does not say what arrived"),
        (read(Answer(127, "", "")), said(received={}), "host1: exit 127"),
        (said(), said(received={"host1": {"bytes": 0, "seconds": 0.0}}), "only 0 bytes arrived"),
    ],
)
def test_a_figure_that_is_missing_has_its_reason(sender: Received, receiver: Received, reason: str) -> None:
    found = judge(Step(Figure.GOODPUT, (PAIR,)), {"host1": sender, "host2": receiver}, {})

    assert found == {PAIR: Missing(reason)}


def test_a_host_that_is_gone_takes_only_its_own_figures_with_it() -> None:
    other = Pair("host1", "host3")
    heard = {"host1": said(pings={"host2": {"sent": 1, "us": []}, "host3": {"sent": 1, "us": [300]}})}

    found = judge(Step(Figure.LATENCY, (PAIR, other)), heard, {"host2": ConnectError("is down", host="host2")})

    assert found == {PAIR: Missing("host2: is down"), other: Pings(1, (300,))}


def test_pings_that_nobody_answers_are_no_latency() -> None:
    heard = {"host1": said(pings={"host2": {"sent": 40, "us": []}})}

    assert judge(Step(Figure.LATENCY, (PAIR,)), heard, {}) == {PAIR: Missing("none of 40 pings was answered")}


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "[]",
        "3",
        '{"pings": []}',
        '{"pings": {"host2": {"sent": 1}}}',
        '{"pings": {"host2": {"sent": -1, "us": []}}}',
        '{"pings": {"host2": {"sent": 1, "us": ["1"]}}}',
        '{"pings": {"host2": {"sent": true, "us": []}}}',
        '{"received": {"host1": {"bytes": 1.5, "seconds": 1}}}',
        '{"received": {"host1": {"bytes": 1, "seconds": NaN}}}',
        '{"received": {"host1": {"bytes": 1, "seconds": 1e999}}}',
        '{"received": {"host1": {"bytes": 1, "seconds": "1"}}}',
        '{"received": {"host1": {"packets": 1, "seconds": 1}}}',
        '{"received": {"host1": {"packets": 1, "sent": 1, "seconds": 1, "more": 1}}}',
        '{"failed": "all"}',
        '{"failed": {"host1": "\\ud800"}}',
    ],
)
def test_nonsense_is_no_figure(answer: str) -> None:
    with pytest.raises(MISREAD):
        read(Answer(0, answer))
