"""Every harm that preflight is to find, done for real to hosts of the lab; and a mesh that does not notice it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import DOCKMESH, Mesh, run

DROP_GRE = (
    "nft 'add table inet guard; add chain inet guard in { type filter hook input priority 0; }; "
    "add rule inet guard in ip protocol gre drop'"
)


@pytest.fixture(scope="module")
def ready(make_mesh: MakeMesh) -> Mesh:
    """Hosts with Open vSwitch and Docker as their packages leave them."""
    return make_mesh("--prepared")


def look(mesh: Mesh, *options: str) -> Any:
    return mesh.dockmesh("preflight", "--json", *options).json()


def trouble(report: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    return [
        (finding["check"], finding["level"], tuple(finding["hosts"]))
        for finding in report["findings"]
        if finding["level"] != "fine"
    ]


def of(report: Any, check: str) -> Any:
    """The one finding of that check which is not fine."""
    (found,) = (each for each in report["findings"] if each["check"] == check and each["level"] != "fine")
    assert found["do"]
    return found


@contextmanager
def harm(mesh: Mesh, host: str, harm: str, undo: str) -> Iterator[None]:
    mesh.on(host, harm)
    try:
        yield
    finally:
        mesh.on(host, undo)


@contextmanager
def path_mtu(mesh: Mesh, host: str, mtu: int) -> Iterator[None]:
    """The switch's port, whose other end the host does not see."""
    labs = run(*DOCKMESH, "lab", "list", "--json").json()["labs"]
    mark = next(lab["hash"] for lab in labs if lab["directory"] == str(mesh.directory))
    command = ("ip", "-n", f"dm-{mark}-net", "link", "set", host, "mtu")
    assert run(*command, str(mtu)).code == 0
    try:
        yield
    finally:
        run(*command, "1500")


def test_hosts_that_are_ready_are_fine(ready: Mesh) -> None:
    done = ready.dockmesh("preflight")

    assert done.code == 0, done.out
    assert "3 hosts: all fine" in done.out


def test_bare_hosts_have_nothing_against_them(make_mesh: MakeMesh) -> None:
    """The bridge that the userspace datapath wants is made by the lab itself as soon as Open vSwitch is there."""
    bare = make_mesh(hosts=2)

    done = bare.dockmesh("preflight", "--json")

    assert done.code == 0, done.out
    assert trouble(done.json()) == [("datapath", "warning", (host,)) for host in bare.hosts]
    bare.lab("down")


def test_gre_that_is_dropped_between_two_hosts_is_named_while_they_ping(ready: Mesh) -> None:
    ready.lab("cut", "host1", "host2", "--protocol", "gre")
    try:
        report = look(ready)
    finally:
        ready.lab("heal")

    assert trouble(report) == [("tunnel", "blocker", ("host1", "host2"))]
    assert "a ping does" in of(report, "tunnel")["what"]


@pytest.mark.long
def test_a_dead_underlay_is_told_from_filtered_gre(ready: Mesh) -> None:
    ready.lab("cut", "host1", "host2")
    try:
        report = look(ready)
    finally:
        ready.lab("heal")

    assert "not even a ping" in of(report, "tunnel")["what"]


def test_a_rule_that_drops_gre_on_one_host_is_found_and_named(ready: Mesh) -> None:
    """The kernel datapath is what the host's own firewall is in the way of; that the lab lacks it is said as well."""
    ready.edit("datapath: netdev", "datapath: system")
    try:
        with harm(ready, "host2", DROP_GRE, "nft delete table inet guard"):
            found = of(look(ready), "tunnel")
    finally:
        ready.edit("datapath: system", "datapath: netdev")

    assert found["hosts"] == ["host2"]
    assert "`ip protocol gre drop` in chain in of table inet guard" in found["what"]
    assert sorted(pair["source"] for pair in found["pairs"]) == ["host1", "host3"]


@pytest.mark.long
def test_the_fix_that_it_names_is_one(ready: Mesh) -> None:
    ready.edit("datapath: netdev", "datapath: system")
    try:
        with harm(ready, "host2", DROP_GRE, "nft delete table inet guard"):
            ready.on("host2", of(look(ready), "tunnel")["do"].strip("`"))
            checks = {check for check, _, _ in trouble(look(ready))}
    finally:
        ready.edit("datapath: system", "datapath: netdev")

    assert checks == {"refused"}


def test_a_smaller_mtu_on_the_way_is_found_with_what_passes(ready: Mesh) -> None:
    with path_mtu(ready, "host3", 1400):
        report = look(ready)

    assert trouble(report) == [("path-mtu", "blocker", ("host3",))]
    # A Linux bridge lets 4 bytes more pass than the MTU of its port, and a ping on a busy machine may get lost.
    passes = int(str(of(report, "path-mtu")["what"]).rsplit(" ", 1)[-1])
    assert 1300 < passes <= 1404
    assert f"set `underlay_mtu: {passes}` in the file for host3" in of(report, "path-mtu")["do"]


def test_a_route_into_the_prefix_is_found(ready: Mesh) -> None:
    route = "172.17.5.0/24 dev eth0"
    with harm(ready, "host1", f"ip route add {route}", f"ip route del {route}"):
        assert trouble(look(ready)) == [("routes", "blocker", ("host1",))]


def test_a_match_all_of_networkd_is_found(ready: Mesh) -> None:
    """A unit of its name that only sleeps stands for it: the real one would take the lab's own network for its own."""
    made = (
        "printf '[Match]\\nName=*\\n[Network]\\nDHCP=yes\\n' >/etc/systemd/network/all.network; "
        "systemctl is-active --quiet systemd-networkd || "
        "{ systemctl mask --runtime --quiet systemd-networkd.socket; "
        "printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >/run/systemd/system/systemd-networkd.service; "
        "systemctl daemon-reload; systemctl start systemd-networkd; }"
    )
    undo = (
        "systemctl stop systemd-networkd; rm -f /run/systemd/system/systemd-networkd.service "
        "/etc/systemd/network/all.network; systemctl daemon-reload"
    )
    with harm(ready, "host2", made, undo):
        report = look(ready)

    assert trouble(report) == [("network-managers", "warning", ("host2",))]
    assert "all.network" in of(report, "network-managers")["what"]
    assert "write /etc/systemd/network/00-dockmesh.network" in of(report, "network-managers")["do"]


@pytest.mark.long
def test_a_host_that_is_down_hides_no_other(ready: Mesh) -> None:
    ready.lab("crash", "host3")
    try:
        report = look(ready)
    finally:
        ready.lab("start", "host3")

    assert trouble(report) == [("ssh", "blocker", ("host3",))]
    assert [each["hosts"] for each in report["findings"] if each["check"] == "tunnel"] == [["host1"], ["host2"]]


def test_apply_leaves_a_host_alone_that_gre_does_not_reach(ready: Mesh) -> None:
    """The last with these hosts: they are a mesh then."""
    mesh = ready
    for other in ("host1", "host2"):
        mesh.lab("cut", other, "host3", "--protocol", "gre")

    done = mesh.dockmesh("apply", "--yes", "--json", "--no-verify")

    errors = {host["name"]: host["error"] for host in done.json()["hosts"]}
    assert (errors["host1"], errors["host2"]) == (None, None)
    assert "a ping does" in errors["host3"]["what"]
    assert "--no-preflight" in errors["host3"]["do"]
    assert mesh.ssh("host3", "ovs-vsctl br-exists br0").code == 2
    mesh.apply("--no-preflight")
    assert mesh.ssh("host3", "ovs-vsctl br-exists br0").code == 0


# On a mesh that runs


def test_a_mesh_that_runs_is_fine_and_does_not_notice(mesh: Mesh) -> None:
    counters = "ovs-vsctl get interface gre1 bfd_status:flap_count; ovs-vsctl get Open_vSwitch . cur_cfg"
    before = {host: mesh.on(host, counters) for host in mesh.hosts}
    mesh.on("host1", f"ping -q -i 0.01 -W 2 {mesh.address('host3')} >/root/pings 2>&1 & echo $! >/root/ping.pid")

    reports = [look(mesh) for _ in range(3)]

    mesh.on("host1", "kill -INT $(cat /root/ping.pid); tail --pid=$(cat /root/ping.pid) -f /dev/null")
    assert [trouble(report) for report in reports] == [[], [], []]
    sent, received = map(
        int, re.findall(r"(\d+) (?:packets transmitted|received)", mesh.on("host1", "cat /root/pings"))
    )
    assert sent - received <= 1, "the last may still be on its way when ping ends"
    assert {host: mesh.on(host, counters) for host in mesh.hosts} == before


def test_a_network_of_dockers_in_the_prefix_is_found(mesh: Mesh) -> None:
    """Docker itself refuses one beside its docker0, so it must have been there before."""
    mesh.edit("prefix: 172.17.0.0/16", "prefix: 172.16.0.0/15")
    try:
        made = "docker network create --subnet 172.16.9.0/24 blue"
        with harm(mesh, "host2", made, "docker network rm blue"):
            found = of(look(mesh), "docker-networks")
    finally:
        mesh.edit("prefix: 172.16.0.0/15", "prefix: 172.17.0.0/16")

    assert (found["level"], found["hosts"]) == ("blocker", ["host2"])


def test_forwarding_that_somebody_turned_off_is_found(mesh: Mesh) -> None:
    with harm(mesh, "host1", "sysctl -q -w net.ipv4.ip_forward=0", "sysctl -q -w net.ipv4.ip_forward=1"):
        assert trouble(look(mesh)) == [("forwarding", "warning", ("host1",))]
