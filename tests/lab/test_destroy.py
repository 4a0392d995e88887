"""After destroy hosts are as before the first apply, compared with a snapshot; nothing of anybody else is gone."""

import subprocess

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.left import unexplained
from tests.lab.mesh import DOCKMESH, Mesh, wait_until
from tests.lab.snapshots import assert_same, differences, snapshots


def destroy(mesh: Mesh, *options: str) -> None:
    done = mesh.dockmesh("destroy", "--yes", *options)
    assert done.code == 0, done.err


OPERATORS = """\
mkdir -p /etc/docker && chmod 0750 /etc/docker
cat > /etc/docker/daemon.json <<'END'
{"log-opts":{"max-size":"10m"},  "labels": ["rack=7"]}
END
chmod 0600 /etc/docker/daemon.json
ovs-vsctl add-br br-ops -- set bridge br-ops datapath_type=netdev
ovs-vsctl add-port br-ops ops0 -- set interface ops0 type=internal
docker network create --subnet 10.90.0.0/24 --gateway 10.90.0.1 theirs
systemctl reset-failed 'docker.*'; systemctl restart docker
nft add table inet operators && nft add chain inet operators input '{ type filter hook input priority 5; }'
nft add rule inet operators input ip saddr 203.0.113.7 drop
iptables --new-chain OPERATORS && iptables --append OPERATORS --source 203.0.113.9 --jump DROP
"""


@pytest.fixture(scope="module")
def prepared(make_mesh: MakeMesh) -> Mesh:
    """Hosts with Docker and Open vSwitch, on one of them an operator's own things and running containers."""
    mesh = make_mesh("--prepared")
    mesh.on("host1", OPERATORS)
    mesh.start_container("host1", "db", "--restart always")
    mesh.start_container("host1", "job", "--network theirs")
    return mesh


@pytest.mark.long
def test_first_apply_that_is_killed_gives_docker_its_own_address_back(prepared: Mesh) -> None:
    """Docker keeps docker0's address by itself, unless it is told."""
    mesh = prepared
    before = of_docker(mesh)
    with mesh.start_apply("--confirm-timeout", "10", "--no-verify") as running:
        assert running.stderr is not None
        reached = any("build the fabric" in line for line in running.stderr)
        running.kill()
    assert reached

    wait_until(lambda: not differences(before, of_docker(mesh)), "Docker as before")

    destroy(mesh)
    assert_same(before, of_docker(mesh))


def of_docker(mesh: Mesh) -> dict[str, list[str]]:
    kinds = ("address docker0", "network", "container", "iptables-save")
    return {host: [line for line in lines if line.startswith(kinds)] for host, lines in snapshots(mesh).items()}


@pytest.mark.long
@pytest.mark.parametrize("renderer", ["systemd", "ifupdown"])
def test_hosts_are_as_before_the_first_apply(prepared: Mesh, renderer: str) -> None:
    mesh = prepared
    before = snapshots(mesh)
    mesh.edit("renderer: systemd", f"renderer: {renderer}")
    mesh.apply()
    mesh.wait_for_mesh()
    theirs = [
        line for line in before["host1"] if any(word in line for word in ("OPERATORS", "operators", "br-ops", "theirs"))
    ]
    applied = snapshots(mesh, ("host1",))["host1"]
    mesh.edit("multiplier: 3", "multiplier: 4")
    mesh.apply()
    changed = snapshots(mesh, ("host1",))["host1"]

    destroy(mesh)

    mesh.edit("multiplier: 4", "multiplier: 3")
    mesh.edit(f"renderer: {renderer}", "renderer: systemd")
    assert len(theirs) >= 4
    assert {*theirs} <= {*applied} & {*changed}
    assert_same(before, snapshots(mesh))
    again = mesh.dockmesh("destroy", "--yes", "--json")
    assert not again.json()["changed"]


@pytest.mark.long
def test_destroy_that_is_killed_ends_the_same_when_it_is_run_again(prepared: Mesh) -> None:
    mesh = prepared
    before = snapshots(mesh)
    for step in ("remove files and units", "remove the fabric", "restore Docker's settings"):
        mesh.apply()
        words = ("destroy", "-f", str(mesh.file), "--ssh-config", str(mesh.ssh_config), "--yes")
        command = (*DOCKMESH, *words)
        with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as running:
            assert running.stderr is not None
            reached = any(step in line for line in running.stderr)
            running.kill()
        assert reached

        wait_until(lambda: mesh.dockmesh("destroy", "--yes").code == 0, "destroyed by the next run")

        assert_same(before, snapshots(mesh))


@pytest.mark.long
def test_host_that_is_down_is_told_and_done_later(prepared: Mesh) -> None:
    mesh = prepared
    before = snapshots(mesh)
    mesh.apply()
    mesh.lab("crash", "host3")

    first = mesh.dockmesh("destroy", "--yes")

    assert first.code == 1
    assert "`dockmesh destroy --host host3`" in first.err
    assert_same({host: before[host] for host in ("host1", "host2")}, snapshots(mesh, ("host1", "host2")))
    mesh.lab("start", "host3")
    destroy(mesh, "--host", "host3")
    assert "br0" not in mesh.on("host3", "ip -oneline link; ovs-vsctl list-br; ls /etc/systemd/system")
    assert mesh.on("host3", "ls -d /var/lib/dockmesh /etc/dockmesh /etc/docker/daemon.json 2>/dev/null || true") == ""


def test_bare_hosts_are_bare_again_with_packages(make_mesh: MakeMesh) -> None:
    """Open vSwitch stays here: the lab's own underlay is on a bridge of its."""
    mesh = make_mesh(hosts=2)
    before = snapshots(mesh)
    mesh.apply()

    mesh.on("host1", "docker volume create theirs")

    done = mesh.dockmesh("destroy", "--yes", "--packages")

    assert done.code == 0, done.err
    assert "openvswitch-switch stays: it has br-phy" in done.out
    assert "theirs" in mesh.on("host1", "ls /var/lib/docker/volumes").split()
    left = unexplained(mesh, before)
    assert not left, "\n".join(left)[:3000]
    assert mesh.on_all(lambda host: mesh.on(host, "ovs-vsctl list-br")) == dict.fromkeys(mesh.hosts, "br-phy")
