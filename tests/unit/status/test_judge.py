from dataclasses import replace

import pytest

from dockmesh.errors import DockmeshError
from dockmesh.model.mesh import Degree, Links
from dockmesh.status.run_state import HostRuns, RunEntry
from dockmesh.status.types import Status, UnderlayCheck
from dockmesh.verify.tunnel import TunnelState
from tests.support.fake_host import applied, bare
from tests.support.meshes import TREE, mesh_of
from tests.support.plans import configs
from tests.unit.status import worlds
from tests.unit.status.worlds import MESH, PLAN, World, status_of


def whats(status: Status) -> list[tuple[str, str]]:
    return [(", ".join(finding.hosts), finding.what) for finding in status.findings]


def ways(status: Status) -> dict[tuple[str, str], tuple[str, ...]]:
    return {(way.a, way.b): way.hosts for way in status.ways}


def test_a_mesh_that_is_well_has_no_finding() -> None:
    status = status_of(worlds.well())

    assert status.findings == ()
    assert status.root == "host1"
    assert all(end.state is TunnelState.UP for end in status.tunnels)
    (host, *_) = status.hosts
    assert (host.switch, host.docker, host.datapath, host.containers) == ("3.5.0", "26.1.5", "system", 0)


def test_frames_go_by_the_tree_and_not_by_the_shortest_tunnel() -> None:
    assert ways(status_of(worlds.well())) == {
        ("host1", "host2"): ("host1", "host2"),
        ("host1", "host3"): ("host1", "host3"),
        ("host2", "host3"): ("host2", "host1", "host3"),
    }


def test_a_cut_tunnel_sends_frames_through_another_host() -> None:
    world = worlds.well()
    worlds.cut(world, "host1", "host3")
    worlds.forward(world, "host2", "host3")

    status = status_of(world)

    assert ways(status)["host1", "host3"] == ("host1", "host2", "host3")
    assert whats(status)[0][0] == "host1, host3"
    assert whats(status)[0][1].startswith("the tunnel host1 (gre2) – host3 (gre1) is down: BFD's packets do")


@pytest.mark.parametrize(
    ("check", "why"),
    [
        (UnderlayCheck(pings=True), "their underlay addresses answer pings, so something drops GRE"),
        (UnderlayCheck(pings=False), "no ping passes between their underlay addresses either"),
        (UnderlayCheck(pings=None), "the reason was not found"),
        (
            UnderlayCheck(True, "-A INPUT -p gre -j DROP"),
            "iptables on host1 drops IP protocol 47: -A INPUT -p gre -j DROP",
        ),
    ],
)
def test_what_was_seen_below_a_tunnel_is_its_reason(check: UnderlayCheck, why: str) -> None:
    world = worlds.well()
    worlds.cut(world, "host1", "host3")
    worlds.forward(world, "host2", "host3")
    world["host1"] = replace(world["host1"], underlay={"host3": check})

    assert whats(status_of(world))[0][1].endswith(f"; {why}")


def test_one_way_is_told_from_both() -> None:
    world = worlds.well()
    worlds.cut(world, "host1", "host3")
    worlds.forward(world, "host2", "host3")
    worlds.change_port(world, "host3", "host1", lambda port: replace(port, bfd_status={"state": "init"}))

    assert "BFD's packets from host3 do not arrive at host1" in whats(status_of(world))[0][1]


def test_a_dead_host_is_told_once_with_its_tunnels() -> None:
    world = worlds.well()
    for name in ("host1", "host3"):
        worlds.cut_one(world, name, "host2")
    gone = worlds.silence(world, "host2")

    assert whats(status_of(world, gone)) == [
        (
            "host2",
            "does not answer SSH: connect to host host2 port 22: No route to host; "
            "its tunnels are down on host1 and host3",
        )
    ]


def test_a_host_whose_tunnels_are_up_is_alive_though_ssh_fails_and_frames_go_through_it() -> None:
    world = worlds.well()
    gone = worlds.silence(world, "host1")

    status = status_of(world, gone)

    assert [what.split("; ")[1] for _, what in whats(status)] == [
        "its tunnels are up on host2 and host3, so it is alive"
    ]
    assert ways(status)["host2", "host3"] == ("host2", "host1", "host3")


def test_a_missing_tunnel_and_one_without_bfd_are_named() -> None:
    world = worlds.well()
    worlds.change_port(world, "host1", "host2", lambda _: None)
    worlds.change_port(world, "host3", "host1", lambda port: replace(port, bfd={"enable": "false"}))

    found = whats(status_of(world))

    assert ("host1, host2", "tunnel gre1 of host1 → host2 is missing") in found
    assert ("host3, host1", "tunnel gre1 of host3 → host1 has BFD switched off: nobody notices when it fails") in found
    assert ("host1", "drift (1): tunnel gre1") in found


def test_hosts_without_a_way_are_named() -> None:
    world = worlds.well()
    worlds.cut(world, "host1", "host3")

    assert "no path for frames between host1 – host3, host2 – host3" in [what for _, what in whats(status_of(world))]


def test_a_host_that_takes_another_root_is_told() -> None:
    world = worlds.well()
    mac = PLAN.host("host3").docker0.switch_mac.replace(":", "")
    facts = world["host3"].facts
    (bridge,) = (each for each in facts.ovs or () if each.name == "br0")
    other = replace(bridge, tree_status={"rstp_root_id": f"8.000.{mac}"})
    world["host3"] = replace(world["host3"], facts=replace(facts, ovs=(other,)))

    status = status_of(world)

    assert status.root is None
    assert ("host3", "spanning tree: it takes host3 for the root instead of host1") in whats(status)


def test_drift_and_a_change_of_the_file_are_counted_apart() -> None:
    world = worlds.well()
    host = applied(configs(MESH)["host1"])
    host.devices["docker0"].mtu = 1400
    host.devices["docker0"].mac = "02:42:00:00:00:01"
    world["host1"] = worlds.heard(PLAN, host)

    assert whats(status_of(world)) == [("host1", "drift (2): docker0 MTU, docker0 MAC address")]


def test_a_bare_host_is_not_applied_yet_and_nothing_else_is_said_of_it() -> None:
    world = worlds.well()
    world["host2"] = worlds.heard(PLAN, bare(configs(MESH)["host2"]))
    for name in ("host1", "host3"):
        worlds.cut_one(world, name, "host2")

    found = whats(status_of(world))

    assert ("host2", "not applied yet") in found
    assert [what for hosts, what in found if hosts == "host2"] == ["not applied yet"]


def test_a_stopped_docker_and_switch_are_told() -> None:
    world = worlds.well()
    facts = world["host2"].facts
    world["host2"] = replace(world["host2"], facts=replace(facts, docker=None, ovs=None))

    found = [what for hosts, what in whats(status_of(world)) if hosts == "host2"]

    assert found[:2] == ["Open vSwitch does not answer", "Docker does not answer"]


def test_a_conflict_is_a_finding_of_its_host() -> None:
    world = worlds.well()
    host = applied(configs(MESH)["host1"])
    host.files["/etc/dockmesh/up"] = ("#!/bin/sh\n", 0o755)
    world["host1"] = worlds.heard(PLAN, host)

    assert whats(status_of(world)) == [
        ("host1", "cannot be compared with the file: has a file /etc/dockmesh/up that dockmesh did not make")
    ]


def test_only_hosts_that_were_asked_are_in_it() -> None:
    world = worlds.well()
    del world["host1"]

    status = status_of(world)

    assert [host.name for host in status.hosts] == ["host2", "host3"]
    assert status.findings == ()


def test_a_lock_is_no_fault() -> None:
    world = worlds.well()
    lock = RunEntry(who="ann", what="apply")
    world["host1"] = replace(world["host1"], runs=HostRuns(lock=lock))

    status = status_of(world)

    assert status.findings == ()
    assert status.hosts[0].runs.lock == lock


def test_thirty_hosts_of_degree_four_have_a_way_each() -> None:
    mesh = mesh_of(30, fabric=replace(TREE, topology=Degree(4)))

    status = status_of(worlds.well(mesh), mesh=mesh)

    assert len(status.ways) == 30 * 29 // 2
    assert all(way.hosts for way in status.ways)


def test_a_chain_goes_through_its_middle() -> None:
    mesh = mesh_of(3, fabric=replace(TREE, topology=Links((("host1", "host2"), ("host2", "host3")))))

    assert ways(status_of(worlds.well(mesh), mesh=mesh))["host1", "host3"] == ("host1", "host2", "host3")


def test_an_error_that_is_no_ssh_is_told_as_it_is() -> None:
    world: World = worlds.well()
    del world["host3"]

    assert whats(status_of(world, {"host3": DockmeshError("it is odd")}))[0][1].startswith(
        "it is odd; its tunnels are up"
    )


def test_a_pool_is_counted_and_one_nearly_full_is_warned_of() -> None:
    world = worlds.well(small := mesh_of(3, prefix="10.99.0.0/27"))
    worlds.run_containers(world, "host1", *(f"10.99.0.{number}" for number in range(8, 14)))
    worlds.run_containers(world, "host2", *(f"10.99.0.{number}" for number in range(16, 23)))

    status = status_of(world, mesh=small)

    assert [(pool.used, pool.total) for host in status.hosts for pool in host.pools] == [(6, 8), (7, 8), (0, 7)]
    assert [(warning.hosts, warning.what) for warning in status.warnings] == [
        (("host2",), "its pool of docker0 is nearly full: 7 of 8 addresses are taken")
    ]
    assert status.findings == ()


def test_a_full_pool_is_not_right() -> None:
    world = worlds.well(small := mesh_of(3, prefix="10.99.0.0/27"))
    worlds.run_containers(world, "host1", *(f"10.99.0.{number}" for number in range(8, 16)))

    status = status_of(world, mesh=small)

    assert status.warnings == ()
    assert whats(status) == [("host1", "its pool of docker0 is full: all 8 addresses are taken, no container starts")]


def test_a_container_outside_its_hosts_pool_is_named() -> None:
    world = worlds.well()
    worlds.run_containers(world, "host1", "172.17.64.2", "172.17.1.9")

    assert whats(status_of(world)) == [
        (
            "host1",
            "outside this host's pool 172.17.64.0/18, so another host may give out the same address: box1 (172.17.1.9)",
        )
    ]


def test_two_macs_alike_are_named_with_their_hosts() -> None:
    world = worlds.well()
    worlds.run_containers(world, "host1", "172.17.64.2", macs=("02:42:00:00:00:07",))
    worlds.run_containers(world, "host3", "172.17.192.2", macs=("02:42:00:00:00:07",))

    assert whats(status_of(world)) == [
        (
            "host1, host3",
            "container box0 on host1 and container box0 on host3 have the same MAC address 02:42:00:00:00:07: "
            "frames for one go to the other",
        )
    ]
