"""What `dockmesh status` says of a real mesh: well, harmed in several ways, and under a lock."""

import json
import signal
import subprocess
from typing import Any

import pytest

from dockmesh.lab import cut as cutting
from dockmesh.lab import store
from tests.lab.mesh import DOCKMESH, Mesh, wait_until


def status(mesh: Mesh, *options: str) -> Any:
    return mesh.dockmesh("status", "--json", *options).json()


def findings(answer: Any) -> list[str]:
    return [f"{', '.join(each['hosts'])}: {each['what']}" for each in answer["findings"]]


def way(answer: Any, a: str, b: str) -> list[str]:
    (found,) = (each["hosts"] for each in answer["ways"] if {each["a"], each["b"]} == {a, b})
    return list(found)


def test_a_mesh_that_is_well(mesh: Mesh) -> None:
    mesh.start_container("host2")

    wait_until(lambda: status(mesh)["right"], "all is well")
    answer, done = status(mesh), mesh.dockmesh("status")

    assert done.code == 0
    assert done.out.strip().endswith("✓ all is well")
    assert answer["root"] is None
    assert [host["containers"] for host in answer["hosts"]] == [0, 1, 0]
    assert {end["state"] for end in answer["tunnels"]} == {"up"}
    assert way(answer, "host1", "host2") == ["host1", "host2"]
    assert way(answer, "host2", "host3") == ["host2", "host3"]
    for host in answer["hosts"]:
        assert host["applied"]["version"]
        assert host["open_vswitch"].startswith("3.")
        assert host["datapath"] == "netdev"
        assert host["lock"] is None


def test_a_cut_tunnel_and_the_way_around_it(mesh: Mesh) -> None:
    lab = store.load(mesh.directory)
    cutting.cut(lab, "host1", "host3")
    wait_until(lambda: way(status(mesh), "host1", "host3") == ["host1", "host2", "host3"], "frames go by host2")

    answer, code = status(mesh), mesh.dockmesh("status").code
    cutting.heal_all(lab)
    wait_until(lambda: status(mesh)["right"], "all is well again")

    (found,) = findings(answer)
    assert code == 1
    assert found.startswith("host1, host3: the tunnel host1 (")
    assert "no ping passes between their underlay addresses either" in found


@pytest.mark.long
def test_gre_that_a_firewall_drops_is_told_from_a_dead_network(mesh: Mesh) -> None:
    lab = store.load(mesh.directory)
    cutting.cut(lab, "host1", "host3", protocol="gre")
    wait_until(lambda: not status(mesh)["right"], "the tunnel is down")

    answer = status(mesh)
    cutting.heal_all(lab)
    wait_until(lambda: status(mesh)["right"], "all is well again")

    assert any("their underlay addresses answer pings, so something drops GRE" in each for each in findings(answer))


def test_drift_is_counted_with_its_subjects(mesh: Mesh) -> None:
    mesh.on("host2", "ip link set docker0 mtu 1300; ovs-vsctl set interface gre1 bfd:enable=false")

    answer = status(mesh)
    mesh.apply()

    assert "host2: drift (2): gre1 bfd:enable, docker0 MTU" in findings(answer)
    assert any("has BFD switched off" in each for each in findings(answer))


def test_a_chosen_host_alone(mesh: Mesh) -> None:
    wait_until(lambda: status(mesh)["right"], "all is well again")

    answer = status(mesh, "--host", "host2")

    assert [host["name"] for host in answer["hosts"]] == ["host2"]
    assert answer["right"]


def test_whoever_holds_the_lock_is_named(mesh: Mesh) -> None:
    mesh.on("host2", "rm -f /tmp/held")
    command = ("ssh", "-F", str(mesh.ssh_config), "host2", "flock /run/dockmesh.lock sh -c 'touch /tmp/held; cat'")
    with subprocess.Popen(command, stdin=subprocess.PIPE) as holder:
        wait_until(lambda: mesh.ssh("host2", "test -e /tmp/held").code == 0, "somebody holds the lock")
        mesh.on("host2", "echo ann@desk > /run/dockmesh.lock")
        answer = status(mesh)
        assert holder.stdin is not None
        holder.stdin.close()

    assert [host["lock"] and host["lock"]["who"] for host in answer["hosts"]] == [None, "ann@desk", None]
    assert [host["lock"] for host in status(mesh)["hosts"]] == [None, None, None]


@pytest.mark.long
def test_watch_sees_a_host_die_and_come_back_and_ends_by_ctrl_c(mesh: Mesh) -> None:
    command = (*DOCKMESH, "status", "--watch", "--json", "-f", str(mesh.file), "--ssh-config", str(mesh.ssh_config))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        rounds = map(json.loads, watching.stdout)
        first = next(rounds)
        mesh.lab("crash", "host3")
        dead = next(each for each in rounds if each["hosts"][2]["error"])
        mesh.lab("start", "host3")
        back = next(each for each in rounds if each["hosts"][2]["error"] is None)
        watching.send_signal(signal.SIGINT)
        rest = watching.stdout.read()

    assert watching.returncode == 0
    assert first["hosts"][2]["error"] is None
    assert "host3" in {host for each in dead["findings"] for host in each["hosts"]}
    assert back["hosts"][2]["open_vswitch"]
    assert "Traceback" not in rest


@pytest.mark.long
def test_a_dead_host_is_told_with_its_tunnels(mesh: Mesh) -> None:
    wait_until(lambda: status(mesh)["right"], "all is well again")
    mesh.lab("crash", "host3")

    def dead() -> bool:
        return any("its tunnels are down on host1 and host2" in each for each in findings(status(mesh)))

    wait_until(dead, "the others noticed")
    done = mesh.dockmesh("status")
    mesh.lab("start", "host3")

    assert done.code == 1
    assert "✗  no answer" in done.out
    assert "host3: does not answer SSH: " in done.out
