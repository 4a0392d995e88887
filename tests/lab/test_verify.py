"""Every harm of the sabotage list, done for real; verify must find each, and say its cause."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lab.mesh import Mesh, wait_until


@contextmanager
def sabotage(mesh: Mesh, host: str, harm: str, undo: str) -> Iterator[None]:
    mesh.on(host, harm)
    try:
        yield
    finally:
        mesh.on(host, undo)


def faults(report: Any) -> dict[str, set[str]]:
    """The hosts of each cause that was found."""
    found: dict[str, set[str]] = {}
    for cause in report["causes"]:
        found.setdefault(cause["fault"], set()).update(cause["hosts"])
    return found


def verify_fails(mesh: Mesh) -> Any:
    done = mesh.dockmesh("verify", "--json")
    report = done.json()
    assert done.code == 1
    assert report["verdict"] != "pass"
    assert all(cause["seen"] and cause["do"] for cause in report["causes"])
    return report


def wait_for_bfd(mesh: Mesh) -> None:
    """Until then the tunnel is up for all that the host knows; on virtual machines that takes 3 s."""
    show = "ovs-vsctl --bare --columns=bfd_status find interface bfd:enable=true"
    wait_until(lambda: "state=down" in mesh.on("host1", show), "BFD calls the tunnel down")


@pytest.fixture(autouse=True)
def whole_again(mesh: Mesh) -> Iterator[None]:
    """After each harm one apply makes all good, and verify says so at once."""
    yield
    mesh.lab("heal")
    mesh.apply()
    mesh.assert_proven()


def test_deleted_tunnel_is_found_though_everything_still_pings(mesh: Mesh) -> None:
    mesh.on("host1", "ovs-vsctl del-port br0 gre1")

    report = verify_fails(mesh)

    assert faults(report)["tunnel-missing"] >= {"host1"}
    assert all(probe["verdict"] == "pass" for probe in report["probes"] if probe["kind"] == "container-ping")


@pytest.mark.long
def test_docker_bridge_with_another_mtu(mesh: Mesh) -> None:
    mesh.on("host2", "ip link set docker0 mtu 1500")

    assert faults(verify_fails(mesh))["mtu"] == {"host2"}


@pytest.mark.long
def test_fabric_out_of_the_docker_bridge(mesh: Mesh) -> None:
    mesh.on("host2", "ip link set br0 nomaster")

    report = verify_fails(mesh)

    assert faults(report)["not-attached"] == {"host2"}
    pings = {(p["source"], p["target"]): p["verdict"] for p in report["probes"] if p["kind"] == "container-ping"}
    assert pings["host1", "host2"] == "fail"
    assert pings["host1", "host3"] == "pass"


@pytest.mark.long
def test_one_address_on_two_hosts(mesh: Mesh) -> None:
    address = mesh.address("host2")
    with sabotage(
        mesh, "host3", f"ip address add {address}/16 dev docker0", f"ip address del {address}/16 dev docker0"
    ):
        assert faults(verify_fails(mesh))["address-taken"] >= {"host3"}


@pytest.mark.long
def test_filtered_gre_is_told_from_a_dead_underlay(mesh: Mesh) -> None:
    mesh.lab("cut", "host1", "host2", "--protocol", "gre")
    wait_for_bfd(mesh)

    assert faults(verify_fails(mesh))["tunnel-filtered"] == {"host1", "host2"}


@pytest.mark.long
def test_dead_underlay_is_told_from_filtered_gre(mesh: Mesh) -> None:
    mesh.lab("cut", "host1", "host2")
    wait_for_bfd(mesh)

    assert faults(verify_fails(mesh))["underlay-down"] == {"host1", "host2"}


@pytest.mark.long
def test_stopped_docker(mesh: Mesh) -> None:
    with sabotage(
        mesh, "host3", "systemctl stop docker.socket docker.service", "systemctl start docker.socket docker.service"
    ):
        report = verify_fails(mesh)

    assert faults(report)["docker-down"] == {"host3"}
    pings = {(p["source"], p["target"]): p["verdict"] for p in report["probes"] if p["kind"] == "container-ping"}
    assert pings["host1", "host3"] != "pass"
    assert pings["host1", "host2"] == "pass"


@pytest.mark.long
def test_host_that_cannot_be_asked_is_unknown_and_hides_no_other(mesh: Mesh) -> None:
    mesh.lab("crash", "host3")
    try:
        report = verify_fails(mesh)
    finally:
        mesh.lab("start", "host3")
        mesh.wait_for_mesh()

    assert faults(report)["unreachable"] == {"host3"}
    pings = {(p["source"], p["target"]): p["verdict"] for p in report["probes"] if p["kind"] == "container-ping"}
    assert pings["host3", "host1"] == "unknown"
    assert pings["host1", "host2"] == "pass"


@pytest.mark.long
def test_a_host_that_is_slow_to_start_a_container_is_measured_all_the_same(mesh: Mesh) -> None:
    """As one is right after Docker's installation."""
    slow = '#!/bin/sh\ncase "$*" in *create*) sleep 25;; esac\nexec /usr/sbin/runc.real "$@"\n'
    harm = f"mv /usr/sbin/runc /usr/sbin/runc.real; printf '{slow}' > /usr/sbin/runc; chmod +x /usr/sbin/runc"
    with sabotage(mesh, "host2", harm, "mv /usr/sbin/runc.real /usr/sbin/runc"):
        done = mesh.dockmesh("verify", "--json")

    assert done.code == 0, done.json()["causes"]


def test_verify_leaves_nothing_behind(mesh: Mesh) -> None:
    mesh.assert_proven()

    for host in mesh.hosts:
        label = "--quiet --filter label=dockmesh.probe"
        assert mesh.on(host, f"docker ps --all {label}; docker images {label}") == ""
