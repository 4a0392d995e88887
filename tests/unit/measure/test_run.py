"""The measurement over the transport: what is asked of whom, and what one bad host does to the others' figures."""

import asyncio
import json
from collections.abc import Mapping

import pytest

from dockmesh.errors import ConnectError, DockmeshError
from dockmesh.measure.plan import steps
from dockmesh.measure.run import measure
from dockmesh.measure.types import Figure, Missing, Pace, Pair, Report
from dockmesh.transport.requests import Answer, Exec, Request
from tests.support.fake_host import FakeHost
from tests.unit.measure.worlds import MBIT, NAMES, PLAN, course, hosts

PACE = Pace(seconds=1)


def report_of(
    fleet: Mapping[str, FakeHost], unreached: Mapping[str, DockmeshError] | None = None, pace: Pace = PACE
) -> Report:
    return asyncio.run(measure(PLAN.name, course(fleet, pace), steps(NAMES, pace), unreached or {}))


def test_every_pair_has_every_figure() -> None:
    report = report_of(hosts())

    assert report.complete
    assert all(len(report.figures[figure]) == 6 for figure in Figure)
    assert report.total_mbit == 6 * MBIT


def test_hosts_run_our_program_and_write_nothing() -> None:
    fleet = hosts()

    report_of(fleet)

    for host in fleet.values():
        assert {type(request) for request in host.asked} == {Exec}
        assert len({request.argv for request in host.asked if isinstance(request, Exec)}) == 1


def test_while_one_pair_is_measured_the_others_rest() -> None:
    fleet = hosts()

    report_of(fleet, pace=Pace(seconds=1, pairs=1, figures=(Figure.GOODPUT,)))

    assert {name: len(host.asked) for name, host in fleet.items()} == {"host1": 1, "host2": 1, "host3": 0}


def test_every_program_has_an_end_of_its_own_soon_after_its_seconds() -> None:
    fleet = hosts()

    report_of(fleet)

    for request in fleet["host1"].asked:
        assert isinstance(request, Exec)
        order = json.loads(request.stdin.split("\n", 1)[1])
        assert PACE.seconds < order["life_s"] < request.timeout_s < PACE.seconds + 15


def test_a_host_that_was_not_reached_takes_only_its_own_figures_with_it() -> None:
    fleet = hosts()
    del fleet["host2"]

    report = report_of(fleet, {"host2": ConnectError("is down", host="host2")})

    assert not report.complete
    for taken in report.figures.values():
        assert {pair for pair, each in taken.items() if not isinstance(each, Missing)} == {
            Pair("host1", "host3"),
            Pair("host3", "host1"),
        }


@pytest.mark.parametrize("nonsense", ["", "[]", "7", '{"received": [[]]}', '{"pings": {"host1": {"sent": "x"}}}'])
def test_a_host_that_talks_nonsense_is_left_out_of_what_follows(nonsense: str) -> None:
    fleet = hosts()
    fleet["host2"].fails = lambda _: Answer(0, nonsense)

    report = report_of(fleet)

    assert set(report.gone) == {"host2"}
    assert len(fleet["host2"].asked) == 1
    assert Pair("host1", "host3") in report.streams(Figure.GOODPUT)


def test_a_host_that_dies_in_the_middle_leaves_what_was_measured_before() -> None:
    fleet = hosts()
    known = fleet["host2"].fails

    def dies(request: Request) -> Answer | None:
        if len(fleet["host2"].asked) > 3:
            raise ConnectError("the connection is lost", host="host2")
        return known(request)

    fleet["host2"].fails = dies

    report = report_of(fleet)

    assert set(report.gone) == {"host2"}
    assert len(report.pings()) == 6
    assert set(report.streams(Figure.ALL_PAIRS)) == {Pair("host1", "host3"), Pair("host3", "host1")}


def test_a_host_without_room_for_the_port_is_told_and_measures_on() -> None:
    fleet = hosts()
    known = fleet["host3"].fails
    fleet["host3"].fails = lambda request: (
        Answer(1, "", "Traceback\nOSError: [Errno 98] Address already in use")
        if '"expect": ["host2"]' in getattr(request, "stdin", "")
        else known(request)
    )

    report = report_of(fleet, pace=Pace(seconds=1, figures=(Figure.GOODPUT,)))

    assert [reason for _, _, reason in report.missing] == ["host3: OSError: [Errno 98] Address already in use"]
    assert len(report.streams(Figure.GOODPUT)) == 5
