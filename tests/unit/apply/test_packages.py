"""Packages that the mesh brings, on hosts in memory; tests/lab/test_packages.py has real ones."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from dockmesh.apply.all_or_none import AllOrNone
from dockmesh.apply.inspection import Inspections, inspect_all
from dockmesh.apply.run import apply
from dockmesh.debian.deb import Deb
from dockmesh.diff.deferred import Restart
from dockmesh.diff.outcome import Outcome, UpgradeOutage
from dockmesh.diff.types import Origin, StepName
from dockmesh.errors import DockmeshError
from dockmesh.inspect.host import Inspection
from dockmesh.meshfile.packages import read_packages
from dockmesh.meshfile.problems import Span
from dockmesh.meshfile.types import Located
from dockmesh.model.mesh import Mesh
from dockmesh.packages.carry import FOLDER
from dockmesh.plan.build import build
from dockmesh.record.run import Run
from dockmesh.render.docker import DAEMON_JSON
from dockmesh.transport.requests import Answer, PutBytes, Request
from dockmesh.undo.session import Session
from tests.support.debs import write_deb
from tests.support.fake_host import Container, FakeHost, applied, bare
from tests.support.meshes import mesh_of
from tests.support.plans import configs


class Silent:
    def step(self, host: str, text: str) -> None: ...

    done = failed = step


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockmesh.apply.upgrade.PROOF_S", 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Open vSwitch and Docker in version 2, with what they need, and something that nobody needs."""
    write_deb(tmp_path, "openvswitch-switch", "2", Depends="openvswitch-common (= 2), libc6 (>= 2.38)")
    write_deb(tmp_path, "openvswitch-common", "2")
    write_deb(tmp_path, "docker.io", "2", Depends="containerd")
    write_deb(tmp_path, "containerd", "2")
    write_deb(tmp_path, "docker-cli", "2")
    write_deb(tmp_path, "iptables", "2", "all")
    write_deb(tmp_path, "python3-dnslib", "2", "all")
    write_deb(tmp_path, "tcpdump", "2")
    return tmp_path


def mesh_with(folder: Path) -> Mesh:
    debs, problems = read_packages((Located(str(folder), Span(1, 1)),), folder)
    assert problems == []
    return replace(mesh_of(3), debs=debs)


def inspections(mesh: Mesh, hosts: Mapping[str, FakeHost]) -> Inspections:
    return asyncio.run(inspect_all(build(mesh), hosts))


def run(mesh: Mesh, hosts: Mapping[str, FakeHost]) -> dict[str, Outcome]:
    session = Session(Run("r1", "ann", "desk", "2026-01-02T03:04:05Z", "apply"))
    outcomes = asyncio.run(
        apply(build(mesh), hosts, AllOrNone(build(mesh), inspections(mesh, hosts)), session, Silent())
    )
    return {outcome.host: outcome for outcome in outcomes}


def bare_hosts(mesh: Mesh) -> dict[str, FakeHost]:
    hosts = {name: bare(config) for name, config in configs(mesh).items()}
    for host in hosts.values():
        host.packages["libc6"] = "2.41"
    return hosts


def old_hosts(mesh: Mesh) -> dict[str, FakeHost]:
    hosts = {name: applied(config) for name, config in configs(mesh).items()}
    for host in hosts.values():
        host.packages |= {"libc6": "2.41", "openvswitch-switch": "1", "openvswitch-common": "1"}
        host.packages |= {"docker.io": "2", "docker-cli": "2"}
    return hosts


def carried(host: FakeHost) -> list[str]:
    paths = [request.path for request in host.asked if isinstance(request, PutBytes)]
    return [path.rpartition("_")[2].removesuffix(".deb") for path in paths]


def asked(host: FakeHost, word: str) -> list[str]:
    return [str(request) for request in host.asked if word in str(request)]


def error(found: Inspection | DockmeshError | None) -> DockmeshError:
    assert isinstance(found, DockmeshError)
    return found


def test_bare_hosts_take_what_they_need_and_ask_no_source(folder: Path) -> None:
    mesh = mesh_with(folder)
    hosts = bare_hosts(mesh)

    outcomes = run(mesh, hosts)

    assert [outcome.error for outcome in outcomes.values()] == [None, None, None]
    for host in hosts.values():
        assert sorted(carried(host)) == sorted(
            (
                *("openvswitch-switch", "openvswitch-common", "docker.io", "containerd", "docker-cli", "iptables"),
                "python3-dnslib",
            )
        )
        assert asked(host, "apt-get --yes")
        assert all("SourceParts=/dev/null" in each for each in asked(host, "apt-get --yes"))
        assert host.blobs == {}
        assert (
            next(str(each) for each in host.asked if FOLDER in str(each)) == f"install --directory --mode=0700 {FOLDER}"
        )
    assert all(isinstance(found, Inspection) and not found.diff.steps for found in inspections(mesh, hosts).values())


def test_changes_say_version_hash_and_reason(folder: Path) -> None:
    mesh = mesh_with(folder)

    found = inspections(mesh, bare_hosts(mesh))["host1"]

    assert isinstance(found, Inspection)
    changes = {str(change.subject): change for change in found.diff.steps[0].changes}
    common = next(deb for deb in mesh.debs if deb.package == "openvswitch-common")
    assert changes["openvswitch-common"].expected == f"2, carried, sha256 {common.sha256[:12]}…"
    assert changes["openvswitch-common"].reason == "openvswitch-switch depends on it"


def test_a_missing_dependency_is_named_and_nothing_is_changed(folder: Path) -> None:
    mesh = mesh_with(folder)
    hosts = bare_hosts(mesh)
    hosts["host2"].packages["libc6"] = "2.36"

    outcomes = run(mesh, hosts)

    report = error(outcomes["host2"].error).report
    assert report.what == "a dependency of the carried packages is missing"
    assert report.answered == "libc6 (>= 2.38), on which openvswitch-switch depends"
    assert hosts["host2"].writes() == []
    assert outcomes["host1"].error is None


def test_what_only_the_hosts_sources_have_is_taken_from_there(folder: Path) -> None:
    mesh = mesh_with(folder)
    hosts = bare_hosts(mesh)
    hosts["host2"].packages["libc6"] = "2.36"
    hosts["host2"].offers.add("libc6 (>= 2.38)")

    assert run(mesh, hosts)["host2"].error is None
    assert asked(hosts["host2"], "apt-get --yes")[0].endswith(" update")
    assert not any("SourceParts=/dev/null" in each for each in asked(hosts["host2"], "apt-get --yes"))


def test_what_was_carried_before_a_cut_is_not_carried_again(folder: Path) -> None:
    mesh = mesh_with(folder)
    hosts = bare_hosts(mesh)
    whole: Deb = next(deb for deb in mesh.debs if deb.package == "containerd")
    hosts["host1"].blobs[f"{FOLDER}/{whole.sha256[:16]}_containerd.deb"] = Path(whole.path).read_bytes()
    hosts["host1"].blobs[f"{FOLDER}/{whole.sha256[:16]}_docker.io.deb"] = b"half a"

    assert run(mesh, hosts)["host1"].error is None
    assert "containerd" not in carried(hosts["host1"])
    assert "docker.io" in carried(hosts["host1"])


def test_a_file_that_changed_meanwhile_is_not_installed(folder: Path) -> None:
    mesh = mesh_with(folder)
    hosts = bare_hosts(mesh)
    with next(folder.glob("containerd_*")).open("ab") as file:
        file.write(b"more")

    outcomes = run(mesh, hosts)

    assert "is not what it was" in error(outcomes["host1"].error).report.what
    assert hosts["host1"].packages == {"libc6": "2.41"}
    assert hosts["host1"].blobs == {}


def test_an_upgrade_goes_host_by_host(folder: Path) -> None:
    mesh = mesh_with(folder)
    hosts = old_hosts(mesh)
    order: list[tuple[str, str]] = []
    for host in hosts.values():

        def note(request: Request, name: str = host.name) -> Answer | None:
            if " install " in str(request) and "--simulate" not in str(request) and "apt-get" in str(request):
                order.append((name, "installs"))
            return None

        host.fails = note

    outcomes = run(mesh, hosts)

    assert order == [("host1", "installs"), ("host2", "installs"), ("host3", "installs")]
    for name, host in hosts.items():
        assert host.packages["openvswitch-switch"] == host.packages["openvswitch-common"] == "2"
        assert [change.text().split(",")[0] for change in outcomes[name].changes] == [
            "openvswitch-switch: 1 → 2",
            "openvswitch-common: 1 → 2",
        ]
    assert asked(hosts["host2"], "neighbour flush") == ["ip neighbour flush to 172.17.42.1"]
    assert outcomes["host1"].outages == (
        UpgradeOutage("host2", "host1", 20, 8, 8, 0),
        UpgradeOutage("host2", "host3", 20, 8, 8, 0),
    )


def test_a_failed_upgrade_stops_there_and_says_who_has_what(folder: Path) -> None:
    mesh = mesh_with(folder)
    hosts = old_hosts(mesh)

    def refuses(request: Request) -> Answer | None:
        text = str(request)
        return Answer(100, err="dpkg: error") if "apt-get" in text and "install" in text else None

    hosts["host2"].fails = refuses

    outcomes = run(mesh, hosts)

    assert outcomes["host1"].error is None
    report = error(outcomes["host2"].error).report
    assert report.step == StepName.UPGRADE
    assert report.now == (
        "host1 has openvswitch-switch 2, docker.io 2, docker-cli 2; "
        "host2 has openvswitch-switch 1, docker.io 2, docker-cli 2; "
        "host3 has openvswitch-switch 1, docker.io 2, docker-cli 2"
    )
    assert "host2 failed before it" in error(outcomes["host3"].error).report.what
    assert hosts["host3"].writes() == []


def test_a_newer_package_on_a_host_is_not_made_older(folder: Path) -> None:
    mesh = mesh_with(folder)
    hosts = old_hosts(mesh)
    hosts["host3"].packages["openvswitch-switch"] = "3"

    refused = error(inspections(mesh, hosts)["host3"]).report

    assert refused.what == "has openvswitch-switch 3, which is newer than the 2 that the mesh brings"
    assert refused.answered == "openvswitch-switch_2_amd64.deb under `packages` in the mesh file"


def test_packages_of_another_architecture_are_refused_with_their_name(tmp_path: Path) -> None:
    write_deb(tmp_path, "openvswitch-switch", "2", "arm64")
    mesh = mesh_with(tmp_path)

    refused = error(inspections(mesh, bare_hosts(mesh))["host1"]).report

    assert refused.what == "its packages are of amd64, and the mesh brings openvswitch-switch for arm64 only"


def test_what_no_folder_has_must_be_in_the_hosts_sources(folder: Path) -> None:
    next(folder.glob("iptables_*")).unlink()
    mesh = mesh_with(folder)
    hosts = bare_hosts(mesh)
    hosts["host1"].offers.add("iptables")

    outcomes = run(mesh, hosts)

    assert outcomes["host1"].error is None
    assert "iptables" in hosts["host1"].programs
    assert error(outcomes["host2"].error).report.answered == "iptables, on which the mesh depends"
    assert hosts["host2"].writes() == []


def test_docker_with_its_command_line_in_it_needs_no_other_package(folder: Path) -> None:
    next(folder.glob("docker-cli_*")).unlink()
    mesh = mesh_with(folder)

    found = inspections(mesh, bare_hosts(mesh))["host1"]

    assert isinstance(found, Inspection)
    assert found.diff.steps[0].packages == ()


def test_docker_is_not_configured_where_apt_says_that_it_cannot_be_installed(folder: Path) -> None:
    mesh = mesh_with(folder)
    hosts = bare_hosts(mesh)

    def refuses(request: Request) -> Answer | None:
        text = str(request)
        return Answer(100, err="E: held packages") if "--simulate" in text and " install " in text else None

    hosts["host1"].fails = refuses

    report = error(run(mesh, hosts)["host1"].error).report

    assert report.what == "the carried packages do not fit this host"
    assert DAEMON_JSON not in hosts["host1"].files
    assert hosts["host1"].blobs == {}


def test_newer_packages_are_a_change_of_the_file_and_no_drift(folder: Path) -> None:
    mesh = mesh_with(folder)

    found = inspections(mesh, old_hosts(mesh))["host1"]

    assert isinstance(found, Inspection)
    assert {(change.origin, change.because) for change in found.diff.changes} == {
        (Origin.FILE, "it brings newer packages")
    }


def test_without_a_restart_docker_keeps_its_version(folder: Path) -> None:
    mesh = mesh_with(folder)
    hosts = old_hosts(mesh)
    hosts["host1"].packages["docker.io"] = "1"
    hosts["host1"].containers = [Container("web")]

    found = asyncio.run(inspect_all(build(mesh), hosts, Restart.DEFERRED))["host1"]

    assert isinstance(found, Inspection)
    assert found.diff.steps == ()
    assert "docker.io" in [str(change.subject) for change in found.diff.deferred]
