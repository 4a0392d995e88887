"""The status of a mesh without a spanning tree."""

import io
from dataclasses import replace

from rich.console import Console

from dockmesh.cli.json.status import status_json
from dockmesh.cli.screens.status import line, screen
from dockmesh.facts.types import FlowState
from dockmesh.model.mesh import Fabric, Forwarding, Ring
from dockmesh.status import drop_counters
from dockmesh.status.types import Status
from dockmesh.transport.requests import Answer
from tests.support.meshes import mesh_of
from tests.unit.status import worlds
from tests.unit.status.worlds import status_of

MESH = mesh_of(3, fabric=Fabric(forwarding=Forwarding.DIRECT))
RING = mesh_of(4, fabric=Fabric(forwarding=Forwarding.DIRECT, topology=Ring()))
# As Open vSwitch 3.5.0 answers.
FLOWS = """\
OFPST_FLOW reply (OF1.5) (xid=0x2):
 cookie=0x163dbe7502, duration=9.1s, table=1, n_packets=4, n_bytes=240, idle_age=3, priority=10,ip actions=drop
 cookie=0x163dbe7502, duration=9.1s, table=1, n_packets=1, n_bytes=42, idle_age=3, priority=10,arp actions=drop
 cookie=0x163dbe7506, duration=9.1s, table=7, n_packets=77, n_bytes=42, idle_age=3, priority=1000 actions=drop
"""


def ways(status: Status) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(way.a, way.b): way.hosts for way in status.ways}


def shown(status: Status) -> str:
    output = io.StringIO()
    Console(file=output, width=120).print(screen(status))
    return output.getvalue()


def test_all_pairs_are_direct_and_nobody_asks_for_a_root() -> None:
    status = status_of(worlds.well(MESH), mesh=MESH)

    assert status.findings == ()
    assert all(len(way.hosts) == 2 for way in status.ways)
    assert "root" not in shown(status)
    assert "root" not in line(status)
    assert status_json(status)["root"] is None


def test_a_cut_tunnel_sends_frames_by_the_way_that_the_rules_take() -> None:
    world = worlds.well(RING)
    worlds.cut(world, "host1", "host2")

    found = ways(status_of(world, mesh=RING))

    assert found["host1", "host2"] == ("host1", "host4", "host3", "host2")
    # A search: it is tried where it was planned, and goes back.
    assert found["host2", "host4"] in [("host2", "host3", "host4"), ("host2", "host1", "host4")]


def test_a_host_that_answers_no_ssh_is_judged_by_the_others_tunnels() -> None:
    world = worlds.well(MESH)
    gone = worlds.silence(world, "host3")

    assert ways(status_of(world, gone, MESH))["host1", "host3"] == ("host1", "host3")


def test_missing_flows_are_drift() -> None:
    world = worlds.well(MESH)
    facts = replace(world["host2"].facts, flows=FlowState(missing=("a", "b", "c")))
    world["host2"] = replace(world["host2"], facts=facts)

    (finding,) = status_of(world, mesh=MESH).findings

    assert finding.hosts == ("host2",)
    assert finding.what == "drift (1): br0 flows"


def test_dropped_frames_are_counted_by_why_and_shown_and_no_fault() -> None:
    found = drop_counters.read((Answer(0, FLOWS), Answer(1)))
    world = worlds.well(MESH)
    world["host1"] = replace(world["host1"], drop_counters=found)

    status = status_of(world, mesh=MESH)

    assert found == {"with a source address of another host": 5}
    assert status.findings == ()
    assert "frames dropped  host1: 5 with a source address of another host" in shown(status)
