"""Drills by the real command line: faults in a lab, sabotage that they must see, and real hosts by SSH alone."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dockmesh.drill.drop import COOKIE, UNIT
from tests.lab.drills import drill, pair, passing, wrong
from tests.lab.mesh import DOCKMESH, Mesh, run, wait_until


@contextmanager
def running(mesh: Mesh, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """A drill while its fault lasts."""
    command = ("env", "--default-signal=INT,HUP", *DOCKMESH, "drill", "run", *words)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        assert process.stderr is not None
        said = ""
        while "nothing passes between host1 and host2, for" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        yield process
    finally:
        process.kill()
        process.communicate()


def underlay(mesh: Mesh) -> str:
    return next(str(host["underlay"]) for host in mesh.plan()["hosts"] if host["name"] == "host2")


def test_cut_link_passes_and_is_seen_as_a_gap(mesh: Mesh) -> None:
    made = passing(mesh, "cut:host1,host2")

    touched = pair(made, "host1", "host2")
    assert touched["expected"] == "connected"
    assert 100 < touched["during"]["gap_ms"] <= touched["during"]["allowed_ms"]
    assert made["interval_ms"] == 10
    assert touched["during"]["sent"] > 200


@pytest.mark.long
def test_link_cut_one_way_passes(mesh: Mesh) -> None:
    made = passing(mesh, "one-way:host1,host2")

    assert pair(made, "host2", "host1")["during"]["gap_ms"] > 100


@pytest.mark.long
def test_three_faults_are_drawn_from_a_seed_and_kept_for_the_history(mesh: Mesh, tmp_path: Path) -> None:
    made = passing(mesh, "--count", "3", "--seed", "5")

    assert [fault["fault"] for fault in made["faults"]] == ["partition:host3", "docker:host1", "switch:host1"]
    assert pair(made, "host1", "host3")["expected"] == "apart"
    assert pair(made, "host1", "host3", fault=2)["during"]["gap_ms"] > 0
    assert made == drill(mesh, verb="history")[-1]
    page = tmp_path / "drill.html"
    written = run(*DOCKMESH, "drill", "report", "--dir", str(mesh.directory), "-o", str(page))
    assert written.code == 0, written.err
    assert page.read_text().count("<svg") == 3 * 6


def test_ctrl_c_heals_the_fault_and_says_so(mesh: Mesh) -> None:
    with running(mesh, "cut:host1,host2", "--hold", "60", "--dir", str(mesh.directory)) as process:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "it is healed" in said
    assert mesh.pings("host1", underlay(mesh), None)


@pytest.mark.long
def test_what_a_killed_drill_leaves_the_next_one_heals_and_says(mesh: Mesh) -> None:
    with running(mesh, "cut:host1,host2", "--hold", "60", "--dir", str(mesh.directory)) as process:
        wait_until(lambda: not mesh.pings("host1", underlay(mesh), None), "the link is cut")
        process.kill()

    done = run(*DOCKMESH, "drill", "run", "docker:host3", "--hold", "1", "--dir", str(mesh.directory))

    assert "was ended before it healed its fault: nothing passes between host1 and host2" in done.err
    assert mesh.pings("host1", underlay(mesh), None)
    assert not (mesh.directory / "drill.json").exists()


def on_real_hosts(mesh: Mesh, *words: str) -> tuple[str, ...]:
    return (*words, "--real-hosts", "--file", str(mesh.file), "--ssh-config", str(mesh.ssh_config), "--confirm", "lab")


def dropped(mesh: Mesh, host: str) -> str:
    """The rules that a drill has made on the host, and its timer."""
    flows = mesh.on(host, f"ovs-ofctl dump-flows br-phy cookie={COOKIE}/-1 | grep actions || true")
    return flows + mesh.on(
        host, f"nft list table inet dockmesh_drill 2>/dev/null || true; systemctl is-active {UNIT}.timer || true"
    )


def test_real_hosts_are_harmed_by_ssh_alone_and_healed(mesh: Mesh) -> None:
    done = run(*DOCKMESH, "drill", "run", "--json", *on_real_hosts(mesh, "cut:host1,host2"))

    made = done.json()
    assert made["verdict"] == "pass", wrong(made)
    assert made["place"] == "hosts"
    assert pair(made, "host1", "host2")["during"]["gap_ms"] > 100
    assert {dropped(mesh, host) for host in mesh.hosts} == {"inactive"}


@pytest.mark.long
def test_real_hosts_heal_themselves_when_the_drill_is_killed(mesh: Mesh) -> None:
    with running(mesh, *on_real_hosts(mesh, "cut:host1,host2", "--hold", "3")) as process:
        wait_until(lambda: "actions=drop" in dropped(mesh, "host1"), "packets are dropped", 10)
        os.kill(process.pid, signal.SIGKILL)

        wait_until(lambda: all(dropped(mesh, host) == "inactive" for host in mesh.hosts), "the hosts heal themselves")

    mesh.wait_for_mesh()


def test_real_hosts_are_asked_for_twice(mesh: Mesh) -> None:
    once = run(*DOCKMESH, "drill", "run", *on_real_hosts(mesh, "cut:host1,host2")[:-1], "other")
    harm = run(*DOCKMESH, "drill", "run", *on_real_hosts(mesh, "crash:host2"))

    assert (once.code, harm.code) == (2, 2)
    assert "no fault is made on real hosts without the name of their mesh" in once.err
    assert "crash:host2 is not done on the real hosts" in harm.err
