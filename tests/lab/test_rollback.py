"""Killed, cut off, rebooted, interrupted: each host is then old or new, says so, and the next run makes it new."""

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from dockmesh.facts.types import HostFacts
from tests.lab.conftest import MakeMesh
from tests.lab.mesh import Mesh, wait_until

OLD = "172.17.0.0/16"
TIMEOUT = ("--confirm-timeout", "10")
STEPS = ("take br0 out of docker0", "configure Docker", "write files", "build the fabric", "put br0 into docker0")
FEW_STEPS = [pytest.param(step, marks=[] if step == "build the fabric" else [pytest.mark.long]) for step in STEPS]


@dataclass(frozen=True)
class Change:
    """A mesh, and a change of its file that takes every step there is on every host."""

    mesh: Mesh
    old: dict[str, HostFacts]
    new: dict[str, HostFacts]

    def to_new(self) -> None:
        text = self.mesh.file.read_text()
        self.mesh.file.write_text(text.replace("172.17.", "10.45.").replace("multiplier: 3", "multiplier: 4"))

    def to_old(self) -> None:
        text = self.mesh.file.read_text()
        self.mesh.file.write_text(text.replace("10.45.", "172.17.").replace("multiplier: 4", "multiplier: 3"))


@pytest.fixture(scope="module")
def change(make_mesh: MakeMesh) -> Change:
    mesh = make_mesh("--prepared")
    text = mesh.file.read_text()
    if "multiplier" not in text:
        mesh.file.write_text(text.replace("fabric:\n", "fabric:\n  bfd: {interval_ms: 100, multiplier: 3}\n"))
    mesh.apply()
    mesh.start_container("host1", "db", "--restart always")
    mesh.start_container("host1", "job")
    mesh.start_container("host2", "web", "--restart always")
    bare = Change(mesh, {}, {})
    bare.to_new()
    mesh.apply()
    new = mesh.states()
    bare.to_old()
    mesh.apply()
    return Change(mesh, mesh.states(), new)


@pytest.fixture(autouse=True)
def old_again(change: Change) -> Iterator[None]:
    yield
    change.to_old()
    change.mesh.wait_for_apply("the mesh of before")
    change.mesh.wait_for_states(change.old)


def runs(mesh: Mesh, host: str) -> list[str]:
    lines = mesh.on(host, "cat /var/lib/dockmesh/runs.jsonl").splitlines()
    return [str(json.loads(line)["ended"]) for line in lines]


def running(mesh: Mesh) -> set[str]:
    return set(mesh.on("host1", "docker ps --format '{{.Names}}'").split())


@pytest.mark.parametrize("step", FEW_STEPS)
def test_killed_at_any_step_each_host_goes_back_and_the_next_apply_finishes(change: Change, step: str) -> None:
    mesh = change.mesh
    before = {host: len(runs(mesh, host)) for host in mesh.hosts}
    change.to_new()
    with mesh.start_apply(*TIMEOUT, "--no-verify") as running_apply:
        assert running_apply.stderr is not None
        reached = any(step in line for line in running_apply.stderr)
        running_apply.kill()
    assert reached

    mesh.wait_for_states(change.old)

    # One that it had not come to has nothing to go back from.
    assert {how for host in mesh.hosts for how in runs(mesh, host)[before[host] :]} <= {"gone back"}
    assert running(mesh) == {"db", "job"}
    mesh.apply()
    mesh.wait_for_states(change.new)
    mesh.wait_for_mesh()


@pytest.mark.long
def test_killed_apply_is_taken_back_and_finished_by_one_that_comes_at_once(change: Change) -> None:
    mesh = change.mesh
    change.to_new()
    with mesh.start_apply() as running_apply:
        assert running_apply.stderr is not None
        assert any("build the fabric" in line for line in running_apply.stderr)
        running_apply.kill()

    mesh.wait_for_apply("the lock is free, and apply works")

    mesh.wait_for_states(change.new)
    assert running(mesh) == {"db", "job"}


@pytest.mark.parametrize("sign", [signal.SIGINT, pytest.param(signal.SIGHUP, marks=pytest.mark.long)])
def test_interrupted_by_ctrl_c_all_hosts_are_as_before_at_once(change: Change, sign: signal.Signals) -> None:
    mesh = change.mesh
    change.to_new()
    with mesh.start_apply() as running_apply:
        assert running_apply.stderr is not None
        assert any("build the fabric" in line for line in running_apply.stderr)
        running_apply.send_signal(sign)
        said = running_apply.stderr.read()

    assert running_apply.returncode == 130
    assert "host1: it is as it was before this run" in said
    mesh.wait_for_states(change.old, deadline_s=5)


@pytest.mark.long
@pytest.mark.parametrize(
    "step",
    ["build the fabric", "configure Docker", "write files"],
)
def test_host_that_reboots_in_the_middle_goes_back_and_the_others_stay(change: Change, step: str) -> None:
    mesh = change.mesh
    change.to_new()
    with mesh.start_apply(*TIMEOUT, "--no-verify") as running_apply:
        assert running_apply.stderr is not None
        assert any("host2" in line and step in line for line in running_apply.stderr)
        running_apply.send_signal(signal.SIGSTOP)
        mesh.lab("crash", "host2")
        running_apply.send_signal(signal.SIGCONT)
        said = running_apply.stderr.read()
    mesh.lab("start", "host2")

    assert running_apply.returncode == 1, said
    mesh.wait_for_states({"host2": change.old["host2"]})
    mesh.wait_for_states({host: change.new[host] for host in ("host1", "host3")})
    mesh.apply()
    mesh.wait_for_states(change.new)


CUT_SSH = """\
cat > /etc/systemd/system/cut.path <<'END'
[Path]
PathChanged=/etc/dockmesh/up
END
cat > /etc/systemd/system/cut.service <<'END'
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'if grep -q 10.45. /etc/dockmesh/up; then iptables -I INPUT -p tcp --dport 22 -j DROP; \
  else iptables -D INPUT -p tcp --dport 22 -j DROP; fi'
END
systemctl daemon-reload && systemctl start cut.path
"""


def test_a_change_that_cuts_ssh_off_is_back_by_itself(change: Change) -> None:
    """As a firewall does that follows the network: with the new prefix, host2 lets no SSH in, not even the open one."""
    mesh = change.mesh
    mesh.on("host2", CUT_SSH)
    change.to_new()

    done = mesh.dockmesh("apply", "--yes", "--json", "--no-verify", *TIMEOUT)

    change.to_old()
    mesh.wait_for_states({"host2": change.old["host2"]}, deadline_s=120)
    assert done.code == 1
    assert [host["name"] for host in done.json()["hosts"] if host["error"]] == ["host2"]
    assert runs(mesh, "host2")[-1] == "gone back"
    mesh.on("host2", "systemctl stop cut.path; rm /etc/systemd/system/cut.*; systemctl daemon-reload")


def test_two_applies_at_once_never_mix(change: Change) -> None:
    mesh = change.mesh
    change.to_new()
    with mesh.start_apply("--no-verify") as first:
        assert first.stderr is not None
        assert any("build the fabric" in line for line in first.stderr)
        first.send_signal(signal.SIGSTOP)
        second = mesh.dockmesh("apply", "--yes", "--no-verify")
        first.send_signal(signal.SIGCONT)
        first.stderr.read()

    assert first.returncode == 0
    assert second.code == 1
    assert "somebody else is changing this host" in second.err
    assert "apply, since 2" in second.err
    mesh.wait_for_states(change.new)


@pytest.mark.long
def test_unlock_ends_a_stuck_run_and_takes_it_back(change: Change) -> None:
    mesh = change.mesh
    change.to_new()
    with mesh.start_apply("--confirm-timeout", "600", "--no-verify") as stuck:
        assert stuck.stderr is not None
        assert any("build the fabric" in line for line in stuck.stderr)
        stuck.send_signal(signal.SIGSTOP)
        freed = mesh.dockmesh("unlock")
        stuck.kill()

    assert freed.code == 0, freed.err
    assert "host1: ended apply of " in freed.out
    mesh.wait_for_states(change.old, deadline_s=10)


@pytest.mark.long
def test_full_disk_leaves_the_host_as_it_was(change: Change) -> None:
    mesh = change.mesh
    mesh.on("host2", "cp -a /etc/dockmesh /tmp/kept && mount -t tmpfs -o size=1m none /etc/dockmesh")
    mesh.on(
        "host2", "cp -a /tmp/kept/. /etc/dockmesh/; dd if=/dev/zero of=/etc/dockmesh/fill bs=1k 2>/dev/null || true"
    )
    change.to_new()
    try:
        done = mesh.dockmesh("apply", "--yes", "--json", "--no-verify")
        now = mesh.states("host2")
    finally:
        mesh.on("host2", "umount /etc/dockmesh; rm -r /tmp/kept")

    (error,) = [host["error"] for host in done.json()["hosts"] if host["error"]]
    assert "No space left on device" in error["answered"]
    assert error["now"] == "it is as it was before this run"
    assert now == {"host2": change.old["host2"]}


@pytest.mark.long
def test_way_back_has_room_on_a_disk_that_became_full(change: Change) -> None:
    mesh, state = change.mesh, "/var/lib/dockmesh"
    mesh.on("host2", f"cp -a {state} /tmp/kept && mount -t tmpfs -o size=2m,mode=700 none {state}")
    mesh.on("host2", f"cp -a /tmp/kept/. {state}/")
    change.to_new()
    try:
        with mesh.start_apply(*TIMEOUT, "--no-verify") as running_apply:
            assert running_apply.stderr is not None
            assert any("host2" in line and "build the fabric" in line for line in running_apply.stderr)
            running_apply.send_signal(signal.SIGSTOP)
            mesh.on("host2", f"dd if=/dev/zero of={state}/fill bs=4k 2>/dev/null || true")
            running_apply.kill()
        mesh.wait_for_states(change.old)
        last = runs(mesh, "host2")[-1]
    finally:
        mesh.on("host2", f"umount {state}; rm -r /tmp/kept")

    assert last == "gone back"


def restarted(mesh: Mesh, host: str) -> tuple[int, int]:
    """When Docker was last stopped and was up again, by the kernel's clock, which all hosts of a lab share."""
    shown = mesh.on(host, "systemctl show docker -p InactiveEnterTimestampMonotonic -p ActiveEnterTimestampMonotonic")
    times = dict(line.split("=") for line in shown.splitlines())
    return int(times["InactiveEnterTimestampMonotonic"]), int(times["ActiveEnterTimestampMonotonic"])


@pytest.mark.long
def test_docker_restarts_under_containers_on_one_host_after_another(change: Change) -> None:
    mesh = change.mesh
    change.to_new()

    mesh.apply()

    (_, first_up), (second_down, _) = sorted(restarted(mesh, host) for host in ("host1", "host2"))
    assert first_up < second_down
    assert running(mesh) == {"db", "job"}


@pytest.mark.long
def test_without_a_restart_containers_run_on_and_the_rest_waits(change: Change) -> None:
    """Another kind of tunnel has another MTU, which Docker takes at its restart."""
    mesh = change.mesh
    mesh.edit("tunnel: gre", "tunnel: vxlan")
    before = {host: restarted(mesh, host) for host in mesh.hosts}
    address = mesh.container_address("host1", "db")

    done = mesh.dockmesh("apply", "--yes", "--json", "--no-verify", "--no-restart")

    assert done.code == 0, done.err
    assert all(any(each["subject"] == "docker restart" for each in host["left"]) for host in done.json()["hosts"])
    assert {host: restarted(mesh, host) for host in mesh.hosts} == before
    mesh.wait_for_ping("host2", address)
    mesh.apply()
    assert all(restarted(mesh, host) != before[host] for host in mesh.hosts)
    mesh.edit("tunnel: vxlan", "tunnel: gre")


def test_without_a_restart_new_addresses_wait_as_a_whole(change: Change) -> None:
    """Whose Docker keeps its pool is in a mesh of the old plan, and so must be those that have nothing to wait for."""
    mesh = change.mesh
    change.to_new()
    before = {host: restarted(mesh, host) for host in mesh.hosts}
    address = mesh.container_address("host1", "db")

    done = mesh.dockmesh("apply", "--yes", "--json", "--no-verify", "--no-restart")

    assert done.code == 0, done.err
    assert all(host["left"] for host in done.json()["hosts"])
    assert {host: restarted(mesh, host) for host in mesh.hosts} == before
    mesh.wait_for_states(change.old)
    mesh.wait_for_ping("host2", address)
    mesh.apply()
    mesh.wait_for_states(change.new)


def test_history_tells_the_runs_and_rollback_makes_an_earlier_one_real(change: Change) -> None:
    mesh = change.mesh
    change.to_new()
    mesh.apply()

    runs = mesh.dockmesh("history", "--json").json()
    own = mesh.dockmesh("history", "--json", "--host", "host2").json()["host2"]
    back = mesh.dockmesh("rollback", "--yes", "--no-verify")

    assert runs[-1]["ended"] == "done"
    assert runs[-1]["hosts"]["host2"]["ended"] == "confirmed"
    assert own[-1]["id"] == runs[-1]["run"]
    assert back.code == 0, back.err
    assert OLD in mesh.file.read_text()
    mesh.wait_for_states(change.old)


UNPACKED = "grep -q 'status unpacked docker.io' /var/log/dpkg.log"


@pytest.mark.long
def test_power_cut_while_packages_are_set_up_is_mended_by_the_next_apply(make_mesh: MakeMesh) -> None:
    mesh = make_mesh(hosts=2)
    with mesh.start_apply(*TIMEOUT, "--no-verify", "--no-preflight") as running_apply:
        assert running_apply.stderr is not None
        wait_until(lambda: mesh.ssh("host2", UNPACKED).code == 0, "Docker is unpacked on host2")
        mesh.lab("crash", "host2")
        running_apply.stderr.read()
    mesh.lab("start", "host2")

    mesh.wait_for_apply("the next apply goes well")

    assert mesh.on("host2", "dpkg --audit") == ""
    mesh.wait_for_mesh()
    assert not mesh.apply()["changed"]
    mesh.lab("down")
