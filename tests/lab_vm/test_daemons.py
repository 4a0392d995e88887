"""Daemons that die on a real kernel: frames go on where kernel flows are, and all is well again afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dockmesh.lab.pings import Pinging, pinging
from dockmesh.lab.store import load
from tests.lab.mesh import Mesh, wait_until
from tests.lab_vm.conftest import switch, wait_for_tunnels


@contextmanager
def containers_pinging(mesh: Mesh, source: str, target: str) -> Iterator[Pinging]:
    lab = load(mesh.directory)
    with pinging(lab, lab.host(source), mesh.container_address(target), "web") as pings:
        assert pings.wait_for_answers(20, 120)
        yield pings


def back(mesh: Mesh, host: str) -> None:
    wait_until(lambda: mesh.ssh(host, "ovs-vsctl --timeout=5 show").code == 0, "Open vSwitch answers")
    wait_until(lambda: "master docker0" in mesh.on(host, "ip -oneline link show br0 || true"), "br0 is in docker0")
    wait_for_tunnels(mesh)
    mesh.wait_for_containers()


@pytest.mark.parametrize("forwarding", ["rstp", "direct"])
@pytest.mark.parametrize("daemon", ["ovs-vswitchd", "ovsdb-server"])
def test_killed_daemon_comes_back_with_the_mesh(mesh: Mesh, forwarding: str, daemon: str) -> None:
    switch(mesh, "forwarding", forwarding)
    back(mesh, "host2")

    with containers_pinging(mesh, "host1", "host2") as pings:
        mesh.on("host2", f"kill -9 $(cat /run/openvswitch/{daemon}.pid)")
        back(mesh, "host2")
        assert pings.wait_for_answers(50, 120)
        heard = pings.heard()

    print(f"{forwarding}, {daemon} killed: silent for {heard.longest_ms or 0:.0f} ms")  # noqa: T201
    assert heard.twice == 0
    assert not mesh.apply()["changed"]


def test_kernel_flows_move_frames_while_the_daemon_does_nothing(mesh: Mesh) -> None:
    """Stopped and not killed, it is not started again. BFD so slow that the neighbours do not give the host up."""
    mesh.edit("interval_ms: 100", "interval_ms: 10000")
    mesh.apply()
    wait_for_tunnels(mesh)
    with containers_pinging(mesh, "host1", "host2") as pings:
        mesh.on("host2", "kill -STOP $(cat /run/openvswitch/ovs-vswitchd.pid)")
        moved = pings.wait_for_answers(100, 20)
        mesh.on("host2", "kill -CONT $(cat /run/openvswitch/ovs-vswitchd.pid)")

    assert moved
    back(mesh, "host2")
