"""The screen of the status at a fixed width, its line for a log, and its names in JSON."""

import io
from dataclasses import replace

from rich.console import Console

from dockmesh.cli.json.status import status_json
from dockmesh.cli.screens.status import line, screen
from dockmesh.model.mesh import Degree
from dockmesh.status.run_state import HostRuns, RunEntry
from dockmesh.status.types import Status
from tests.support.fake_host import applied
from tests.support.meshes import TREE, mesh_of
from tests.support.plans import configs
from tests.unit.status import worlds
from tests.unit.status.worlds import MESH, PLAN, status_of


def lines(status: Status, width: int = 120) -> list[str]:
    text = io.StringIO()
    Console(file=text, width=width, highlight=False, soft_wrap=True).print(screen(status))
    return [each.rstrip() for each in text.getvalue().splitlines()]


def test_a_mesh_that_is_well_fits_on_a_quarter_of_a_screen() -> None:
    assert lines(status_of(worlds.well())) == [
        "Mesh 'prod': 3 hosts, rstp, root host1",
        "",
        "host      tunnels    differs  containers     pool  Docker  OVS    datapath  applied",
        "host1  ✓  2 of 2 up  –                 0  0/16384  26.1.5  3.5.0  system    2026-11-26 12:00, 0.1.0",
        "host2  ✓  2 of 2 up  –                 0  0/16384  26.1.5  3.5.0  system    2026-11-26 12:00, 0.1.0",
        "host3  ✓  2 of 2 up  –                 0  0/16383  26.1.5  3.5.0  system    2026-11-26 12:00, 0.1.0",
        "",
        "path of frames  host2   host3",
        "host1           direct  direct",
        "host2                   via host1",
        "",
        "✓ all is well",
    ]


def test_a_warning_has_what_to_do_and_all_is_well_all_the_same() -> None:
    world = worlds.well(small := mesh_of(3, prefix="10.99.0.0/27"))
    worlds.run_containers(world, "host2", *(f"10.99.0.{number}" for number in range(16, 23)))

    status = status_of(world, mesh=small)

    assert lines(status)[-3:] == [
        "! host2: its pool of docker0 is nearly full: 7 of 8 addresses are taken",
        "   do  remove containers that nobody needs, start new ones on other hosts, or give it a larger pool",
        "✓ all is well, 1 warning",
    ]
    assert "7   7/8" in next(each for each in lines(status) if each.startswith("host2"))


def test_what_is_not_right_has_its_reason_and_what_to_do() -> None:
    world = worlds.well()
    for name in ("host1", "host3"):
        worlds.cut_one(world, name, "host2")
    host = applied(configs(MESH)["host3"])
    host.devices["docker0"].mtu = 1400
    gone = worlds.silence(world, "host2")

    shown = lines(status_of(world, gone))

    assert "host2  ✗  no answer" in shown
    assert shown[-3:] == [
        "✗ host2: does not answer SSH: connect to host host2 port 22: No route to host; "
        "its tunnels are down on host1 and host3",
        "   do  try `ssh host2` by hand",
        "✗ 1 thing is not right",
    ]
    assert "host1           ✗ none  direct" in shown


def test_locks_and_runs_that_hosts_share_are_one_line() -> None:
    run = RunEntry("r1", "ann", "desk", "2026-11-26T23:03:51Z", "apply")
    world = {
        name: replace(
            each, runs=HostRuns(lock=run, armed=run if name == "host2" else None, last=replace(run, ended="confirmed"))
        )
        for name, each in worlds.well().items()
    }

    shown = lines(status_of(world))

    assert shown[-4:] == [
        "last run  all hosts: apply by ann from desk at 2026-11-26 23:03 UTC: confirmed",
        "locked  all hosts: apply by ann from desk at 2026-11-26 23:03 UTC",
        "not confirmed yet, the host rolls back by itself  host2: apply by ann from desk at 2026-11-26 23:03 UTC",
        "✓ all is well",
    ]


def test_drift_is_counted_in_the_table() -> None:
    world = worlds.well()
    host = applied(configs(MESH)["host3"])
    host.devices["docker0"].mtu = 1400
    world["host3"] = worlds.heard(PLAN, host)

    (row,) = (each for each in lines(status_of(world)) if each.startswith("host3  ✓"))

    assert "1 drift" in row


def test_thirty_hosts_fit_on_one_screen() -> None:
    mesh = mesh_of(30, fabric=replace(TREE, topology=Degree(4)))

    shown = lines(status_of(worlds.well(mesh), mesh=mesh), 110)

    assert len(shown) < 40
    assert max(map(len, shown)) <= 110
    assert any(each.startswith("path of frames  29 of 435 pairs direct, 406 through other hosts") for each in shown)


def test_the_line_for_a_log_has_it_all_in_one() -> None:
    world = worlds.well()
    gone = worlds.silence(world, "host2")

    assert line(status_of(worlds.well())) == "3 of 3 hosts answer, 6 of 6 tunnels up, root host1, all is well"
    assert line(status_of(world, gone)) == "2 of 3 hosts answer, 4 of 4 tunnels up, root host1, 1 not right"


def test_the_json_has_no_host_without_its_names() -> None:
    world = worlds.well()
    gone = worlds.silence(world, "host2")

    answer = status_json(status_of(world, gone))

    assert not answer["right"]
    assert {frozenset(host) for host in answer["hosts"]} == {frozenset(answer["hosts"][0])}
    assert answer["hosts"][1]["error"]["what"] == "no SSH connection"


def test_nothing_is_said_of_the_way_between_hosts_that_were_both_not_read() -> None:
    world = worlds.well()
    gone = {**worlds.silence(world, "host2"), **worlds.silence(world, "host3")}

    status = status_of(world, gone)

    assert "host2                   ? not read" in [each.rstrip() for each in lines(status)]
    assert not [each for each in lines(status) if "✗ none" in each]
    assert {(way["a"], way["b"]) for way in status_json(status)["ways"]} == {("host1", "host2"), ("host1", "host3")}
