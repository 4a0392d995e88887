"""Preflight over the transport: what is asked of whom, and what apply is told."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from dockmesh.errors import ConnectError, HostError
from dockmesh.preflight.run import blockers, preflight
from dockmesh.preflight.types import Check, Level, Report
from dockmesh.render.host import render
from dockmesh.transport.requests import Answer, Exec, Reading, Request
from dockmesh.transport.script import PYTHON
from tests.support.fake_host import FakeHost, bare, installed
from tests.unit.preflight import worlds

PLAN = worlds.plan()
NAMES = tuple(host.name for host in PLAN.hosts)
Lost = set[frozenset[str]]


class Quiet:
    def step(self, host: str, text: str) -> None:
        pass


def hosts(lost: Lost | None = None, make: Callable[..., FakeHost] = bare) -> dict[str, FakeHost]:
    """With a network between them that loses GRE on these links."""
    found = {}
    for planned in PLAN.hosts:
        host = make(render(PLAN, planned))
        host.fails = lambda request: answer_reach(request, lost or set())
        found[host.name] = host
    return found


def answer_reach(request: Request, lost: Lost) -> Answer | None:
    match request:
        case Exec(argv) if argv[: len(PYTHON)] == PYTHON:
            order = json.loads(request.stdin.split("\n", 1)[1])
            peers = [said_of(peer["name"], {order["name"], peer["name"]} in lost) for peer in order["peers"]]
            return Answer(0, json.dumps({"error": None, "peers": peers}))
        case Exec(("df", *_)):
            return Answer(0, "Avail File\n99999999999 /etc\n")
        case Exec(("python3", "--version")):
            return Answer(0, "Python 3.13.5\n")
    return None


def said_of(name: str, lost: bool) -> dict[str, Any]:
    kinds = [] if lost else ["full", "small"]
    return {"name": name, "raw": kinds, "wire": kinds, "errors": {}, "ping_ms": 0.3, "largest": 1500}


def link(one: str, other: str) -> frozenset[str]:
    return frozenset((one, other))


def find_blockers(fleet: dict[str, FakeHost], *new: str) -> dict[str, tuple[HostError, ...]]:
    return dict(asyncio.run(blockers(PLAN, fleet, new, Quiet())))


def report_of(fleet: dict[str, FakeHost], *chosen: str) -> Report:
    return asyncio.run(preflight(PLAN, fleet, {}, chosen or NAMES, Quiet()))


def packets_of(host: FakeHost) -> list[list[str]]:
    """The peers of each try."""
    orders = [
        json.loads(request.stdin.split("\n", 1)[1])
        for request in host.asked
        if isinstance(request, Exec) and request.argv[: len(PYTHON)] == PYTHON
    ]
    return [[peer["name"] for peer in order["peers"]] for order in orders]


def test_bare_hosts_have_nothing_against_them_but_a_clock_that_the_fake_lacks() -> None:
    found = [finding for finding in report_of(hosts()).findings if finding.level is not Level.FINE]

    assert {(finding.check, finding.level) for finding in found} == {(Check.CLOCK, Level.UNKNOWN)}


def test_a_preflight_only_reads() -> None:
    fleet = hosts(make=installed)

    report_of(fleet)

    asked = [request for host in fleet.values() for request in host.asked]
    assert asked
    assert all(isinstance(request, Exec | Reading) for request in asked)


def test_what_arrives_is_not_sent_again_and_what_is_lost_is_tried_once_more() -> None:
    fleet = hosts({link("host1", "host2")})

    report = report_of(fleet)

    assert packets_of(fleet["host1"]) == [["host2", "host3"], ["host2"]]
    assert packets_of(fleet["host3"]) == [["host1", "host2"]]
    assert [finding.hosts for finding in report.findings if finding.level is Level.BLOCKER] == [("host1", "host2")]


def test_only_the_chosen_hosts_are_asked() -> None:
    fleet = hosts()

    report = report_of(fleet, "host1", "host2")

    assert report.hosts == ("host1", "host2")
    assert fleet["host3"].asked == []


def test_without_a_new_host_nobody_is_asked() -> None:
    fleet = hosts()

    assert find_blockers(fleet) == {}
    assert all(host.asked == [] for host in fleet.values())


def test_a_new_host_exchanges_packets_with_all_and_the_others_only_with_it() -> None:
    fleet = hosts()

    assert find_blockers(fleet, "host3") == {}
    assert [packets_of(fleet[name]) for name in NAMES] == [[["host3"]], [["host3"]], [["host1", "host2"]]]


def test_a_new_host_that_gre_reaches_from_nobody_is_kept_out_and_it_alone() -> None:
    fleet = hosts({link("host1", "host3"), link("host2", "host3")})

    found = find_blockers(fleet, *NAMES)

    assert list(found) == ["host3"]
    assert "--no-preflight" in str(found["host3"][0])


def test_one_lost_link_keeps_nobody_out() -> None:
    assert find_blockers(hosts({link("host1", "host3")}), *NAMES) == {}


def test_trouble_of_a_host_that_is_in_the_mesh_already_keeps_no_other_out() -> None:
    fleet = hosts()
    fleet["host1"].programs.discard("apt-get")

    assert find_blockers(fleet, "host3") == {}
    assert list(find_blockers(fleet, "host1", "host3")) == ["host1"]


def test_a_host_that_goes_away_meanwhile_is_said_and_keeps_no_other_out() -> None:
    fleet = hosts()

    def gone(_: Request) -> Answer | None:
        raise ConnectError("the connection is gone", host="host2")

    fleet["host2"].fails = gone

    assert find_blockers(fleet, *NAMES) == {}
    assert (Check.SSH, Level.BLOCKER, ("host2",)) in worlds.checks(report_of(fleet).findings)
