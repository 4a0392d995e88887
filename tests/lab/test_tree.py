"""A mesh with a spanning tree: its root, the ways of its frames, and what harms it or changes it while it lives."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from dockmesh.lab import store
from dockmesh.lab.pings import pinging
from tests.lab.conftest import MakeMesh
from tests.lab.drills import drill, pair, passing, wrong
from tests.lab.mesh import Mesh, wait_until
from tests.lab.test_changes import DEADLINE_S, assert_none_lost, settings, subjects
from tests.lab.test_changes import host as in_file
from tests.lab.test_drift import differences
from tests.lab.test_status import status, way


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    """host1 to host3 in the mesh with a container each, host1 the root; host4 is prepared and not in it."""
    made = make_mesh("--prepared", hosts=4)
    mesh = Mesh(made.directory, made.hosts[:3])
    mesh.file.unlink()
    assert mesh.dockmesh("init", *mesh.hosts, "--encryption", "off").code == 0
    mesh.choose("forwarding", "rstp")
    mesh.apply()
    mesh.wait_for_mesh()
    for name in mesh.hosts:
        mesh.start_container(name, "web", "--restart always")
    return mesh


@pytest.fixture
def file(mesh: Mesh) -> Iterator[str]:
    """The text of the mesh file, which is put back and applied afterwards."""
    text = mesh.file.read_text()
    yield text
    mesh.file.write_text(text)
    mesh.apply()
    mesh.wait_for_mesh()


def test_it_is_proven_and_frames_go_by_the_root(mesh: Mesh) -> None:
    wait_until(lambda: bool(status(mesh)["right"]), "all is well")
    answer, report = status(mesh), mesh.verify()

    assert report["verdict"] == "pass", report["causes"]
    assert {probe["kind"] for probe in report["probes"]} >= {"tree"}
    assert answer["root"] == "host1"
    assert way(answer, "host1", "host2") == ["host1", "host2"]
    assert way(answer, "host2", "host3") == ["host2", "host1", "host3"]
    assert not mesh.apply()["changed"]


DRIFTS = {
    "the spanning tree switched off": "ovs-vsctl set bridge br0 rstp_enable=false",
    "the priority of the spanning tree": "ovs-vsctl set bridge br0 other_config:rstp-priority=61440",
}


@pytest.mark.long
@pytest.mark.parametrize("kind", DRIFTS)
def test_drift_of_the_tree_is_named_and_put_right(mesh: Mesh, kind: str) -> None:
    mesh.on("host1", DRIFTS[kind])

    found = differences(mesh)
    mesh.apply()
    mesh.wait_for_mesh()

    assert found == (1, {"host1": [("bridge br0", "drift")]})
    assert differences(mesh) == (0, {})


@pytest.mark.long
def test_spanning_tree_off_on_one_host(mesh: Mesh) -> None:
    mesh.on("host3", "ovs-vsctl set bridge br0 rstp_enable=false")

    report = mesh.verify()
    mesh.apply()
    mesh.wait_for_mesh()

    assert report["verdict"] != "pass"
    assert "host3" in {
        host for cause in report["causes"] if cause["fault"] in ("tree-off", "loop") for host in cause["hosts"]
    }
    assert mesh.verify()["verdict"] == "pass"


def test_dead_root_is_replaced(mesh: Mesh) -> None:
    mesh.lab("crash", "host1")

    mesh.wait_for_ping("host2", mesh.address("host3"), None)
    assert not mesh.pings("host2", mesh.address("host1"), None)
    mesh.lab("start", "host1")
    mesh.wait_for_mesh()


@pytest.mark.long
def test_crashed_root_is_away_and_comes_back(mesh: Mesh) -> None:
    made = passing(mesh, "crash:host1")

    assert pair(made, "host2", "host1")["expected"] == "apart"
    assert pair(made, "host2", "host3")["expected"] == "connected"
    assert pair(made, "host1", "host2")["after"]["verdict"] == "pass"


@pytest.mark.long
def test_tunnel_without_bfd_fails(mesh: Mesh) -> None:
    """Sabotage: the switches notice only when the root's word grows old."""
    for host in ("host1", "host2"):
        mesh.on(host, "ovs-vsctl set interface gre1 bfd:enable=false")

    made = drill(mesh, "cut:host1,host2")

    for host in ("host1", "host2"):
        mesh.on(host, "ovs-vsctl set interface gre1 bfd:enable=true")
    # The sessions begin anew and the tree moves once more: what runs next must not count the pings that this costs.
    wait_until(lambda: bool(status(mesh)["right"]), "all is well again")
    assert made["verdict"] == "fail", wrong(made)
    assert pair(made, "host1", "host2")["during"]["gap_ms"] > 510


@pytest.mark.long
def test_no_ping_between_two_hosts_is_lost_while_another_comes_goes_and_comes_again(mesh: Mesh, file: str) -> None:
    """host2 and host3 speak through host1, the root, so all three are in the way of every ping."""
    lab = store.load(mesh.directory)
    two = lab.host("host2")
    before = settings(mesh)
    docker = {name: mesh.on(name, "systemctl show -p InvocationID docker") for name in mesh.hosts}
    with ExitStack() as stack:
        running = [
            stack.enter_context(pinging(lab, two, mesh.address("host3"))),
            stack.enter_context(pinging(lab, two, mesh.address("host1"))),
            stack.enter_context(pinging(lab, two, mesh.container_address("host3"), "web")),
        ]
        for words in (("add", "host4"), ("remove", "host4"), ("add", "host4")):
            assert all(pings.wait_for_answers(100, DEADLINE_S) for pings in running)
            in_file(mesh, *words)
            changed = subjects(mesh.apply())
            if words[0] == "add":
                mesh.wait_for_ping("host2", mesh.address("host4"), None)
            assert all(changed[name] == ["/etc/dockmesh/up", "tunnel gre3"] for name in mesh.hosts), changed
        assert all(pings.wait_for_answers(300, DEADLINE_S) for pings in running)
        for pings in running:
            assert_none_lost(pings)

    assert {name: mesh.on(name, "systemctl show -p InvocationID docker") for name in mesh.hosts} == docker
    in_file(mesh, "remove", "host4")
    assert mesh.file.read_text() == file
    mesh.apply()
    assert settings(mesh) == before


@pytest.mark.long
def test_the_root_may_leave_and_come_back_and_no_bridge_is_made_anew(mesh: Mesh, file: str) -> None:
    """It runs on, with the best claim to be the root, and its tunnels are refused."""
    bridges = {name: mesh.on(name, "ovs-vsctl get bridge br0 _uuid") for name in mesh.hosts}
    assert mesh.plan()["root"] == "host1"
    in_file(mesh, "remove", "host1")

    changed = subjects(mesh.apply())

    assert [len(subjects) for subjects in changed.values()] == [2, 2], changed
    mesh.wait_for_ping("host2", mesh.address("host3"), None)
    assert not mesh.pings("host1", mesh.address("host2"), None)
    mesh.file.write_text(file)
    mesh.apply()
    mesh.wait_for_mesh()
    assert {name: mesh.on(name, "ovs-vsctl get bridge br0 _uuid") for name in mesh.hosts} == bridges
