"""From bare hosts to containers that ping each other, and back again after every reboot."""

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import Mesh, assert_all_pass, wait_until


@pytest.fixture(scope="module")
def bare(make_mesh: MakeMesh) -> Mesh:
    return make_mesh(forwarding=None)


@pytest.fixture(scope="module")
def applied(bare: Mesh) -> Mesh:
    """As a person does it: a file by `init`, a look, an apply that installs, containers."""
    bare.file.unlink()
    done = bare.dockmesh("init", *bare.hosts, "--encryption", "off")
    assert done.code == 0, done.err
    first = bare.dockmesh("apply", "--yes", "--json")
    assert [host["error"] for host in first.json()["hosts"]] == [None, None, None]
    assert_all_pass(first.json()["verify"])
    assert first.code == 0, first.err
    for host in bare.hosts:
        bare.on(host, "apt-get install --yes --quiet busybox-static")
        bare.start_container(host, "web", "--restart always")
    return bare


def all_containers_ping(mesh: Mesh) -> None:
    for host in mesh.hosts:
        for other in mesh.hosts:
            mesh.wait_for_ping(host, mesh.container_address(other))


def state(mesh: Mesh, host: str) -> dict[str, str]:
    """What an apply that changes nothing must leave alone."""
    return {
        "processes": mesh.on(host, "ps -o pid=,lstart=,comm= -C dockerd,ovs-vswitchd,ovsdb-server,containerd"),
        "interfaces": mesh.on(host, "ip -oneline link | cut -d: -f1,2"),
        "database": mesh.on(host, "ovs-vsctl get Open_vSwitch . cur_cfg next_cfg"),
        "units": mesh.on(host, "systemctl show -p InvocationID docker dockmesh ovs-vswitchd"),
        "files": mesh.on(host, "stat -c '%n %i %Y' /etc/docker/* /etc/dockmesh/* /etc/systemd/system/dockmesh.service"),
        "containers": mesh.on(host, "docker ps --no-trunc --format '{{.ID}} {{.Status}}' | cut -c1-64"),
    }


def test_bare_hosts_are_bare(bare: Mesh) -> None:
    assert bare.ssh("host1", "command -v ovs-vsctl || command -v dockerd").code != 0


def test_dry_run_changes_nothing(bare: Mesh) -> None:
    done = bare.dockmesh("apply", "--dry-run")

    assert done.code == 0
    assert "openvswitch-switch: installed" in done.out
    assert bare.ssh("host1", "test -e /etc/docker/daemon.json").code != 0


def test_apply_without_a_yes_and_nobody_to_ask_is_refused(bare: Mesh) -> None:
    done = bare.dockmesh("apply")

    assert done.code == 2
    assert "--yes" in done.err
    assert bare.ssh("host1", "command -v ovs-vsctl").code != 0


def test_containers_of_all_hosts_ping_each_other(applied: Mesh) -> None:
    all_containers_ping(applied)


def test_init_gave_the_numbers_of_the_guide(applied: Mesh) -> None:
    hosts = applied.plan()["hosts"]

    assert [host["address"] for host in hosts] == ["172.17.42.1", "172.17.42.2", "172.17.42.3"]
    assert [host["pool"] for host in hosts] == ["172.17.64.0/18", "172.17.128.0/18", "172.17.192.0/18"]


def test_containers_get_addresses_of_their_hosts_pool_only(applied: Mesh) -> None:
    addresses = [applied.container_address(host) for host in applied.hosts]

    assert addresses == ["172.17.64.0", "172.17.128.0", "172.17.192.0"]


def test_second_apply_touches_nothing(applied: Mesh) -> None:
    before = {host: state(applied, host) for host in applied.hosts}

    again = applied.apply()

    assert not again["changed"]
    assert {host: state(applied, host) for host in applied.hosts} == before


@pytest.mark.long
def test_one_host_comes_back_from_a_reboot_by_itself(applied: Mesh) -> None:
    applied.lab("reboot", "host2")

    wait_until(lambda: applied.on("host2", "docker ps --quiet") != "", "the container of host2 runs again")
    all_containers_ping(applied)


def test_all_hosts_come_back_from_a_power_cut(applied: Mesh) -> None:
    for host in applied.hosts:
        applied.lab("crash", host)
    for host in reversed(applied.hosts):
        applied.lab("start", host)

    for host in applied.hosts:
        wait_until(lambda host=host: applied.ssh(host, "docker ps --quiet").out != "", f"the container of {host} runs")  # type: ignore[misc]
    all_containers_ping(applied)
    assert not applied.apply()["changed"]


def test_verify_passes(applied: Mesh) -> None:
    applied.assert_proven()
