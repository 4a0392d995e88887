"""What can go wrong with an apply, and what it must leave alone."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import DOCKMESH, Mesh, run, wait_until


@pytest.fixture
def fresh(make_mesh: MakeMesh) -> Iterator[Mesh]:
    mesh = make_mesh("--prepared")
    yield mesh
    mesh.lab("down")


def failed_hosts(answer: str) -> dict[str, str]:
    return {host["name"]: host["error"]["what"] for host in json.loads(answer)["hosts"] if host["error"]}


def test_dead_host_does_not_stop_the_others_and_is_applied_later(fresh: Mesh) -> None:
    fresh.lab("crash", "host3")

    first = fresh.dockmesh("apply", "--yes", "--json")
    fresh.wait_for_ping("host1", fresh.address("host2"), None)
    fresh.lab("start", "host3")
    fresh.apply()

    assert first.code == 1
    assert set(failed_hosts(first.out)) == {"host3"}
    fresh.wait_for_mesh()


def test_unknown_and_changed_host_keys_are_refused(fresh: Mesh) -> None:
    known = fresh.directory / "known_hosts"
    lines = known.read_text().splitlines()
    key_of_another = lines[1].split(maxsplit=1)[1]
    known.write_text("\n".join([f"{lines[0].split(maxsplit=1)[0]} {key_of_another}", lines[1]]) + "\n")

    done = fresh.dockmesh("apply", "--yes", "--json")

    errors = failed_hosts(done.out)
    assert done.code == 1
    assert errors["host1"] == "its host key is not the one that known_hosts has"
    assert errors["host3"] == "its host key is unknown"
    assert fresh.on("host2", "ovs-vsctl br-exists br0; echo $?") == "0"


def test_a_user_with_sudo_can_apply(fresh: Mesh) -> None:
    config = fresh.ssh_config.read_text()
    fresh.ssh_config.write_text(config.replace("User root", "User admin"))

    fresh.apply()

    assert fresh.ssh("host1", "id -un", user="admin").out.strip() == "admin"
    fresh.wait_for_mesh()


@pytest.mark.long
def test_conflict_in_daemon_json_shows_both_sides_and_changes_nothing_there(fresh: Mesh) -> None:
    theirs = '{"bip": "10.1.1.1/24", "log-driver": "journald"}'
    fresh.on("host2", f"mkdir -p /etc/docker && echo '{theirs}' > /etc/docker/daemon.json")

    done = fresh.dockmesh("apply", "--yes")

    assert done.code == 1
    assert 'bip: theirs "10.1.1.1/24", ours "172.17.42.2/16"' in done.err
    assert fresh.on("host2", "cat /etc/docker/daemon.json") == theirs
    assert fresh.ssh("host2", "ovs-vsctl br-exists br0").code == 2
    fresh.wait_for_ping("host1", fresh.address("host3"), None)


@pytest.mark.long
def test_what_the_user_has_lives_on(fresh: Mesh) -> None:
    fresh.on("host1", """mkdir -p /etc/docker && echo '{"log-driver": "journald"}' > /etc/docker/daemon.json""")
    fresh.on("host1", "systemctl reset-failed docker; systemctl restart docker")
    fresh.on("host1", "ovs-vsctl add-br mine -- set bridge mine datapath_type=netdev")
    fresh.on("host1", "docker network create --subnet 10.123.0.0/24 mine")

    fresh.apply()

    daemon = json.loads(fresh.on("host1", "cat /etc/docker/daemon.json"))
    assert daemon["log-driver"] == "journald"
    assert fresh.on("host1", "cat /etc/docker/daemon.json.before-dockmesh") == '{"log-driver": "journald"}'
    assert fresh.ssh("host1", "ovs-vsctl br-exists mine && docker network inspect mine").code == 0


@pytest.mark.parametrize("live_restore", [pytest.param("false", marks=pytest.mark.long), "true"])
def test_host_that_ran_docker_with_its_defaults_keeps_its_containers(fresh: Mesh, live_restore: str) -> None:
    theirs = f'{{"live-restore": {live_restore}}}'
    fresh.on("host1", f"mkdir -p /etc/docker && echo '{theirs}' > /etc/docker/daemon.json")
    fresh.on("host1", "systemctl reset-failed docker; systemctl restart docker")
    fresh.start_container("host1", "always", "--restart always")
    fresh.start_container("host1", "never")
    assert fresh.container_address("host1", "never").startswith("172.17.0.")

    shown = fresh.dockmesh("apply", "--dry-run", "--json").json()
    fresh.apply()

    disturbed = {name for change in shown["hosts"][0]["changes"] for name in change["disturbs"]}
    assert disturbed == {"always", "never"}
    for name in ("always", "never"):
        assert fresh.container_address("host1", name).startswith("172.17.64.")
        fresh.wait_for_ping("host1", fresh.address("host2"), name)
    assert "172.17.0.1/" not in fresh.on("host1", "ip -oneline -4 address show docker0")
    restored = json.loads(fresh.on("host1", "cat /etc/docker/daemon.json"))["live-restore"]
    assert restored is (live_restore == "true")


@pytest.mark.long
def test_foreign_bridge_of_our_name_is_left_alone(fresh: Mesh) -> None:
    fresh.on("host1", "ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev")

    done = fresh.dockmesh("apply", "--yes", "--json")

    assert failed_hosts(done.out) == {"host1": "has an Open vSwitch bridge br0 that is not of this mesh"}
    assert fresh.on("host1", "ovs-vsctl list-ports br0") == ""


@pytest.mark.long
def test_killed_apply_is_finished_by_the_next(fresh: Mesh) -> None:
    command = (*DOCKMESH, "apply", "-f", str(fresh.file), "--ssh-config", str(fresh.ssh_config), "--yes")
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        reached = any("configure Docker" in line for line in running.stderr)
        running.kill()

    assert reached
    wait_until(lambda: fresh.dockmesh("apply", "--yes").code == 0, "the next apply may and does finish")
    fresh.wait_for_mesh()


@pytest.mark.long
def test_only_the_named_host_is_changed(fresh: Mesh) -> None:
    fresh.apply("--host", "host2")

    assert fresh.ssh("host2", "ovs-vsctl br-exists br0").code == 0
    assert fresh.ssh("host1", "ovs-vsctl br-exists br0").code == 2


@pytest.mark.long
def test_deleted_tunnel_is_put_back_and_nothing_else_is_touched(fresh: Mesh) -> None:
    fresh.apply()
    started = fresh.on("host1", "systemctl show -p InvocationID docker")
    fresh.on("host1", "ovs-vsctl del-port br0 gre1")

    changed = fresh.apply()

    subjects = [change["subject"] for host in changed["hosts"] for change in host["changes"]]
    assert subjects == ["tunnel gre1"]
    assert fresh.on("host1", "systemctl show -p InvocationID docker") == started


def test_hosts_are_reached_through_a_jump_host_and_with_an_agents_key(mesh: Mesh) -> None:
    """host2 and host3 only by way of host1, with no key file named anywhere."""
    config = mesh.ssh_config.read_text()
    first, *others = config.split("\nHost ")[1:]
    behind = [re.sub(r"ProxyCommand .*", "ProxyJump host1", block) for block in others]
    text = "".join(f"\nHost {block}" for block in (first, *behind))
    mesh.ssh_config.write_text(re.sub(r"\n +(IdentityFile|IdentitiesOnly) .*", "", text))
    agent = run("ssh-agent", "-s").out
    socket, process = re.findall(r"SSH_A(?:UTH_SOCK|GENT_PID)=([^;]+);", agent)
    environment = {**os.environ, "SSH_AUTH_SOCK": socket, "SSH_AGENT_PID": process, "HOME": str(mesh.directory)}
    try:
        added = run("ssh-add", str(mesh.directory / "key"), environment=environment)
        assert added.code == 0, added.err

        with_agent = mesh.dockmesh("apply", "--dry-run", "--json", environment=environment)
        without = mesh.dockmesh("apply", "--dry-run", "--json", environment={**os.environ, "SSH_AUTH_SOCK": ""})
    finally:
        os.kill(int(process), signal.SIGTERM)
        mesh.ssh_config.write_text(config)

    assert with_agent.code == 0, with_agent.out
    assert set(failed_hosts(without.out)) == {"host1", "host2", "host3"}
