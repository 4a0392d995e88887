"""What users measure of their own mesh: figures that are possible, within their limits, and nothing stays behind."""

import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.lab.mesh import DOCKMESH, Mesh, wait_until

LIMIT_MBIT, PACKETS = 50, 500


@pytest.fixture(scope="module")
def measured(mesh: Mesh) -> Any:
    limits = ("--seconds", "1", "--limit", str(LIMIT_MBIT), "--packets", str(PACKETS))
    done = mesh.dockmesh("measure", "--yes", "--json", *limits)
    assert done.code == 0, done.err + done.out[-2000:]
    return done.json()


def programs(mesh: Mesh) -> dict[str, str]:
    """What of the measurement runs on the hosts: it names itself in no file, only by its way to start."""
    show = "pgrep -f 'exec[(]json.loads.*__main__' || true"
    return {host: mesh.ssh(host, show).out.strip() for host in mesh.hosts}


def test_every_figure_was_taken(mesh: Mesh, measured: Any) -> None:
    pairs = len(mesh.hosts) * (len(mesh.hosts) - 1)

    assert measured["complete"]
    for figure in ("latency", "goodput", "all_pairs", "packets"):
        assert len(measured[figure]) == pairs, figure


def test_figures_are_possible_and_keep_to_their_limits(measured: Any) -> None:
    assert all(0 < each["median_ms"] <= each["p95_ms"] < 1000 for each in measured["latency"])
    assert all(0.1 < each["mbit"] < LIMIT_MBIT * 1.5 for each in measured["goodput"])
    assert all(0 < each["arrived"] <= each["sent"] <= PACKETS * 1.2 for each in measured["packets"])
    assert measured["all_pairs_mbit"] == pytest.approx(sum(each["mbit"] for each in measured["all_pairs"]), abs=1)


def test_nothing_is_left_on_the_hosts(mesh: Mesh, measured: Any) -> None:
    assert set(programs(mesh).values()) == {""}


def test_nothing_is_left_on_the_hosts_after_ctrl_c(mesh: Mesh, tmp_path: Path) -> None:
    command: tuple[str, ...] = (*DOCKMESH, "measure", "--yes", "--seconds", "3", "--only", "goodput")
    command += ("--file", str(mesh.file), "--ssh-config", str(mesh.ssh_config))
    with (tmp_path / "said").open("w") as said, subprocess.Popen(command, stdout=said, stderr=said) as process:
        wait_until(lambda: any(programs(mesh).values()), "a host measures")

        process.send_signal(signal.SIGINT)

        assert process.wait(30) == 130
    wait_until(lambda: set(programs(mesh).values()) == {""}, "no host measures any more")
