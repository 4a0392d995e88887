"""Packages of one's own: hosts without any source take them from us, and an upgrade goes from host to host."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dockmesh.lab import store
from dockmesh.lab.pings import pinging
from tests.lab.conftest import MakeMesh
from tests.lab.mesh import Mesh

SWITCH = ("openvswitch-common", "openvswitch-switch")
NEWER, NEWEST = "99:1", "99:2"
STATE = "dpkg-query --show | sha256sum; find /var/lib/dockmesh /etc/docker 2>&1 || true"


def offered(mesh: Mesh) -> Path:
    """The .debs that the lab's package server would serve."""
    lab = store.load(mesh.directory)
    return lab.image_of(lab.hosts[0]).packages


def name_packages(mesh: Mesh, *paths: Path) -> None:
    """Put `packages` into the mesh file, in place of what is there."""
    text = mesh.file.read_text().split("\npackages:")[0].rstrip()
    mesh.file.write_text(f"{text}\n\npackages:\n  from: {json.dumps(list(map(str, paths)))}\n")


def cut_off_from_packages(mesh: Mesh) -> None:
    for host in mesh.hosts:
        mesh.on(host, "rm /etc/apt/sources.list.d/*; rm -rf /var/lib/apt/lists; mkdir -p /var/lib/apt/lists/partial")


def give_busybox(mesh: Mesh, host: str) -> None:
    """What the containers are made of; it is no package of a mesh."""
    (deb,) = offered(mesh).glob("busybox-static_*.deb")
    with deb.open("rb") as content:
        install = ("ssh", "-F", str(mesh.ssh_config), host, "cat > /tmp/busybox.deb && dpkg --install /tmp/busybox.deb")
        subprocess.run(install, stdin=content, check=True, stdout=subprocess.DEVNULL)


def error_of(answer: str, host: str) -> dict[str, Any]:
    return next(each["error"] or {} for each in json.loads(answer)["hosts"] if each["name"] == host)


def repacked(packages: Path, folder: Path, newer: str, last_words: str = "") -> Path:
    """Open vSwitch as the lab has it, under a newer version; `last_words` end the script that configures it."""
    folder.mkdir()
    for name in SWITCH:
        (deb,) = packages.glob(f"{name}_*.deb")
        tree = folder / name
        subprocess.run(("dpkg-deb", "--raw-extract", str(deb), str(tree)), check=True)
        control = tree / "DEBIAN/control"
        text = control.read_text()
        version = next(line.split()[1] for line in text.splitlines() if line.startswith("Version:"))
        control.write_text(text.replace(version, newer))
        if last_words and name == SWITCH[1]:
            script = tree / "DEBIAN/postinst"
            script.write_text(script.read_text().replace("\nexit 0", f"\n{last_words}\nexit 0"))
        build = ("dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", str(tree), f"{folder}/{name}.deb")
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        shutil.rmtree(tree)
    return folder


@pytest.fixture(scope="module")
def alone(make_mesh: MakeMesh) -> Iterator[Mesh]:
    """Three bare hosts that reach no package source."""
    mesh = make_mesh()
    cut_off_from_packages(mesh)
    yield mesh
    mesh.lab("down")


def test_a_missing_dependency_is_named_before_anything_is_changed(alone: Mesh, tmp_path: Path) -> None:
    lacking = tmp_path / "debs"
    shutil.copytree(offered(alone), lacking)
    for deb in lacking.glob("libunbound8_*.deb"):
        deb.unlink()
    name_packages(alone, lacking)
    before = {host: alone.on(host, STATE) for host in alone.hosts}

    done = alone.dockmesh("apply", "--yes", "--json", "--no-verify")

    assert done.code == 1
    for host in alone.hosts:
        error = error_of(done.out, host)
        assert error["answered"] == (
            "libunbound8 (>= 1.8.0), on which openvswitch-switch and openvswitch-common depend"
        )
        assert error["now"] == "nothing was changed on this host"
        assert alone.on(host, STATE) == before[host]


@pytest.fixture(scope="module")
def carried(alone: Mesh) -> tuple[Mesh, Any]:
    """With the packages that were brought to them, and what was planned."""
    name_packages(alone, offered(alone))
    planned = alone.apply("--dry-run")
    alone.apply()
    alone.wait_for_mesh()
    for host in alone.hosts:
        give_busybox(alone, host)
        alone.start_container(host)
    return alone, planned


def test_hosts_without_any_source_take_all_of_it_from_us(carried: tuple[Mesh, Any]) -> None:
    mesh, planned = carried

    again = mesh.apply()

    subjects = {change["subject"]: change["expected"] for change in planned["hosts"][0]["changes"]}
    assert {"openvswitch-switch", "docker.io", "containerd", "libunbound8"} <= set(subjects)
    assert "sha256" in subjects["openvswitch-switch"]
    assert "tcpdump" not in subjects  # it is in the folder, and nothing needs it
    assert again["changed"] is False
    for host in mesh.hosts:
        assert mesh.on(host, "ls -A /var/lib/dockmesh/packages 2>&1 || true").endswith("No such file or directory")
    mesh.wait_for_ping("host1", mesh.container_address("host3"))


@pytest.mark.long
def test_a_newer_switch_goes_from_host_to_host_under_pings(carried: tuple[Mesh, Any], tmp_path: Path) -> None:
    alone, _ = carried
    name_packages(alone, repacked(offered(alone), tmp_path / "newer", NEWER))
    lab = store.load(alone.directory)
    alone.on("host2", "ovs-vsctl add-br mine -- set bridge mine datapath_type=netdev fail_mode=secure")
    alone.on("host2", "ovs-ofctl add-flow mine priority=7,ip,actions=drop")

    with pinging(lab, lab.host("host1"), alone.container_address("host3"), "web") as pings:
        assert pings.wait_for_answers(20, deadline_s=30)
        done = alone.apply()
        assert pings.wait_for_answers(20, deadline_s=60)
        heard = pings.heard()
    for host in alone.hosts:
        alone.on(host, "ip neighbour flush all")
    alone.wait_for_mesh()

    assert heard.twice == 0
    assert "priority=7,ip actions=drop" in alone.on("host2", "ovs-ofctl --no-stats dump-flows mine")
    for host in done["hosts"]:
        assert {change["subject"] for change in host["changes"]} >= set(SWITCH)
        gaps = {gap["host"]: gap for gap in host["gaps"]}
        assert gaps[host["name"]]["longest_ms"] > 0
        assert sum(gap["twice"] for gap in gaps.values()) == 0
    for name in alone.hosts:
        assert alone.on(name, "dpkg-query --show --showformat='${Version}' openvswitch-switch") == NEWER
    assert alone.apply()["changed"] is False


@pytest.mark.long
def test_a_failed_upgrade_stops_there_and_says_who_has_what(carried: tuple[Mesh, Any], tmp_path: Path) -> None:
    alone, _ = carried
    version = "dpkg-query --show --showformat='${Version}' openvswitch-switch"
    before = alone.on("host3", version)
    fails_on_host2 = '[ "$(hostname)" != host2 ] || exit 1'
    broken = repacked(offered(alone), tmp_path / "broken", NEWEST, fails_on_host2)
    name_packages(alone, broken)

    done = alone.dockmesh("apply", "--yes", "--json", "--no-verify")

    assert done.code == 1
    assert error_of(done.out, "host1") == {}
    assert f"host1 has openvswitch-switch {NEWEST}" in error_of(done.out, "host2")["now"]
    assert f"host3 has openvswitch-switch {before}" in error_of(done.out, "host2")["now"]
    assert "because host2 failed before it" in error_of(done.out, "host3")["what"]
    assert alone.on("host3", version) == before
