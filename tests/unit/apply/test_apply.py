import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from dockmesh.apply.address_conflicts import presumed, read_owners, refuse_beforehand, takers
from dockmesh.apply.all_or_none import AllOrNone
from dockmesh.apply.inspection import inspect_all, lock_all
from dockmesh.apply.reassigned import reassigned
from dockmesh.apply.run import apply
from dockmesh.diff.deferred import Restart
from dockmesh.diff.outcome import Outcome
from dockmesh.diff.types import StepName
from dockmesh.errors import ConflictError, ConnectError, DockmeshError, HostError, LockedError
from dockmesh.inspect.host import Inspection
from dockmesh.model.mesh import Bfd, Fabric, Forwarding, Mesh, Renderer, Ring
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.build import build
from dockmesh.plan.types import Plan
from dockmesh.record import run as record
from dockmesh.record.applied import read
from dockmesh.record.paths import APPLIED, IPV6, ORIGIN
from dockmesh.record.run import read_ended
from dockmesh.render.docker import BEFORE, DAEMON_JSON
from dockmesh.render.paths import FLOWS
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Answer, Arm, Confirm, Exec, Lock, Put, Request
from dockmesh.undo.session import AS_BEFORE, Session
from tests.support.fake_host import Container, Daemon, FakeHost, applied, bare, installed
from tests.support.meshes import TREE, mesh_of, moved, swapped, with_network
from tests.support.plans import configs

RUN = record.Run("20260102T030405Z-abcd", "ann", "desk", "2026-01-02T03:04:05Z", "apply")
NO = Answer(1, err="it does not want to")


@dataclass
class Told:
    """A Progress that remembers."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    def step(self, host: str, text: str) -> None:
        self.lines.append((host, text))

    done = failed = step


@dataclass
class Run3:
    """One apply on a mesh of fakes, and what came of it."""

    hosts: Mapping[str, FakeHost]
    told: Told
    outcomes: dict[str, Outcome]

    def error(self, host: str) -> DockmeshError:
        error = self.outcomes[host].error
        assert error is not None
        return error

    @property
    def failed(self) -> list[str]:
        return [name for name, outcome in self.outcomes.items() if outcome.error]


def make(state: Callable[[HostConfig], FakeHost], mesh: Mesh) -> dict[str, FakeHost]:
    return {name: state(config) for name, config in configs(mesh).items()}


async def locked_apply(plan: Plan, hosts: Mapping[str, FakeHost], told: Told) -> tuple[Outcome, ...]:
    locked = await lock_all(hosts, RUN, told)
    inspections = {**await inspect_all(plan, hosts), **locked}
    session = Session(RUN, stay_out=reassigned(plan, inspections))
    outcomes = await apply(plan, hosts, AllOrNone(plan, inspections), session, told)
    await session.confirm(hosts, {})
    return outcomes


def run(hosts: Mapping[str, FakeHost], mesh: Mesh) -> Run3:
    told = Told()
    outcomes = asyncio.run(locked_apply(build(mesh), hosts, told))
    return Run3(hosts, told, {outcome.host: outcome for outcome in outcomes})


def refuse(*starts: str) -> Callable[[Request], Answer | None]:
    return lambda request: NO if str(request).startswith(starts) else None


def as_planned(hosts: Iterable[FakeHost], mesh: Mesh) -> bool:
    inspections = asyncio.run(inspect_all(build(mesh), {host.name: host for host in hosts}))
    return all(isinstance(inspection, Inspection) and not inspection.diff.steps for inspection in inspections.values())


MESH = mesh_of(3)


@pytest.mark.parametrize("renderer", Renderer)
@pytest.mark.parametrize("state", [bare, installed])
def test_hosts_become_as_planned_in_one_run(state: Callable[[HostConfig], FakeHost], renderer: Renderer) -> None:
    mesh = mesh_of(3, fabric=replace(TREE, renderer=renderer))

    result = run(make(state, mesh), mesh)

    assert result.failed == []
    assert as_planned(result.hosts.values(), mesh)


def test_a_second_run_reads_and_writes_nothing() -> None:
    result = run(make(applied, MESH), MESH)

    for host in result.hosts.values():
        assert host.writes() == []
        assert isinstance(host.asked[0], Lock)
        assert result.outcomes[host.name].changes == ()
    assert ("host1", "nothing to change") in result.told.lines


def test_what_was_applied_is_recorded_at_the_end_of_a_hosts_turn() -> None:
    (host, *_) = run(make(bare, MESH), MESH).hosts.values()

    text, mode = host.files[APPLIED]
    record = read(text)
    assert record is not None
    assert (record.mesh, record.hosts, mode) == ("prod", ("host1", "host2", "host3"), 0o600)
    assert record.expected["docker0 MTU"] == "1462"
    confirm = host.asked[-1]
    assert isinstance(confirm, Confirm)
    assert confirm.files == {APPLIED: text}


def test_a_record_alone_is_written_without_a_way_back() -> None:
    hosts = make(applied, MESH)
    del hosts["host1"].files[APPLIED]

    run(hosts, MESH)

    assert hosts["host1"].writes() == ["install -d -m 0700 /var/lib/dockmesh", f"write {APPLIED}"]


def test_a_host_that_failed_has_no_record() -> None:
    hosts = make(bare, MESH)
    hosts["host2"].fails = refuse("ip link set dev br0 master")

    run(hosts, MESH)

    assert APPLIED not in hosts["host2"].files
    assert APPLIED in hosts["host1"].files


def test_packages_come_after_dockers_settings() -> None:
    (host, *_) = run(make(bare, MESH), MESH).hosts.values()

    writes = host.writes()
    (install,) = [line for line in writes if " install " in line]
    assert writes.index(f"write {DAEMON_JSON}") < writes.index(install)
    assert "systemctl restart docker.service" not in writes


def test_what_a_power_cut_left_unfinished_is_set_up_before_anything_is_installed() -> None:
    hosts = make(bare, MESH)

    run(hosts, MESH)

    asked = [str(request) for request in hosts["host1"].asked]
    finished = next(
        place
        for place, each in enumerate(asked)
        if each.endswith("dpkg --force-confdef --force-confold --configure -a")
    )
    assert finished < min(place for place, each in enumerate(asked) if each.startswith("apt-get "))


def test_docker_cli_is_left_out_where_it_is_no_package() -> None:
    hosts = make(bare, MESH)
    hosts["host1"].fails = refuse("apt-cache show docker-cli")

    run(hosts, MESH)

    (install,) = [line for line in hosts["host1"].writes() if " install " in line]
    assert install.endswith("--no-install-recommends openvswitch-switch docker.io iptables python3-dnslib")


def test_a_locked_host_is_left_alone_and_the_others_are_done() -> None:
    hosts = make(installed, MESH)
    hosts["host2"].locked_by = "ann@desk"

    result = run(hosts, MESH)

    assert result.failed == ["host2"]
    assert hosts["host2"].writes() == []
    assert isinstance(result.error("host2"), LockedError)
    assert result.error("host2").report.answered == "unknown"


def test_a_conflict_stops_its_own_host_only() -> None:
    hosts = make(installed, MESH)
    hosts["host2"].files[DAEMON_JSON] = ('{"bip": "10.0.0.1/24"}', 0o644)

    result = run(hosts, MESH)

    assert result.failed == ["host2"]
    assert isinstance(result.error("host2"), ConflictError)
    assert hosts["host2"].writes() == []


FAILURES = [
    (StepName.INSTALL, "apt-get --yes --option DPkg::Lock::Timeout=300 --option Acquire::Retries=2 update"),
    (StepName.INSTALL, "apt-get --yes --option DPkg::Lock::Timeout=300 --option Acquire::Retries=2 install"),
    (StepName.FILES, "write /etc/dockmesh/up"),
    (StepName.FILES, "systemctl enable dockmesh.service"),
    (StepName.FABRIC, "ovs-vsctl --retry"),
    (StepName.ATTACH, "ip link set dev docker0"),
    (StepName.ATTACH, "ip link set dev br0 master docker0"),
]


@pytest.mark.parametrize(("step", "request_"), FAILURES)
def test_a_failing_step_is_named_and_the_other_hosts_are_done(step: StepName, request_: str) -> None:
    hosts = make(bare, MESH)
    hosts["host2"].fails = refuse(request_)

    result = run(hosts, MESH)

    report = result.error("host2").report
    assert result.failed == ["host2"]
    assert (report.host, report.step) == ("host2", step)
    assert report.ran is not None
    assert report.ran.startswith(request_)
    assert report.answered == "exit 1: it does not want to"
    assert report.do is not None


def test_a_host_that_fails_is_as_it_was_and_has_no_changes_to_tell() -> None:
    hosts = make(installed, MESH)
    hosts["host2"].fails = refuse("ip link set dev br0 master docker0")

    outcome = run(hosts, MESH).outcomes["host2"]

    assert outcome.error is not None
    assert outcome.error.report.now == AS_BEFORE
    assert outcome.changes == ()
    assert hosts["host2"].state() == make(installed, MESH)["host2"].state()


def test_a_host_is_armed_before_its_first_write_and_confirmed_after_its_last() -> None:
    for host in run(make(installed, MESH), MESH).hosts.values():
        kinds = [type(request) for request in host.asked]
        puts = [(at, request.path) for at, request in enumerate(host.asked) if isinstance(request, Put)]
        assert puts[0][1] == ORIGIN  # what it was before all runs
        first_write = puts[1][0]
        assert kinds.index(Arm) < first_write
        assert kinds[-1] is Confirm
        ended = read_ended(host.runs[-1])
        assert ended is not None
        assert ended.kept


@pytest.mark.parametrize(("step", "request_"), FAILURES)
def test_a_run_after_a_failed_one_goes_on_from_there(step: StepName, request_: str) -> None:
    hosts = make(bare, MESH)
    hosts["host2"].fails = refuse(request_)
    run(hosts, MESH)
    hosts["host2"].fails = lambda _: None

    assert run(hosts, MESH).failed == []
    assert as_planned(hosts.values(), MESH)


def test_nothing_is_begun_after_a_step_that_failed() -> None:
    hosts = make(installed, MESH)
    hosts["host2"].fails = refuse("write /etc/dockmesh/up")

    run(hosts, MESH)

    assert hosts["host2"].writes()[-2:] == ["write /etc/dockmesh/up", "roll back"]


def test_a_lost_connection_is_that_hosts_error_alone() -> None:
    hosts = make(installed, MESH)

    def lose(request: Request) -> Answer | None:
        if str(request).startswith("ovs-vsctl --retry"):
            raise ConnectError("lost the SSH connection", host="host2")
        return None

    hosts["host2"].fails = lose
    result = run(hosts, MESH)

    assert result.failed == ["host2"]
    assert result.error("host2").report.step == StepName.FABRIC


def test_a_host_that_is_lost_while_it_is_armed_is_said_to_go_back_by_itself() -> None:
    """It may have heard of it."""
    hosts = make(bare, MESH)
    heard = hosts["host2"].answer

    def lose(request: Request) -> Answer | None:
        if isinstance(request, Arm):
            heard(request)
            raise ConnectError("it did not answer for 90 s", host="host2")
        return None

    hosts["host2"].fails = lose

    result = run(hosts, MESH)

    assert result.failed == ["host2"]
    assert "it rolls back by itself within 60 s" in (result.error("host2").report.now or "")


def test_a_container_that_does_not_start_again_keeps_no_other_down() -> None:
    hosts = make(installed, MESH)
    hosts["host2"].containers = [Container("one"), Container("two"), Container("three")]
    hosts["host2"].fails = refuse("docker start two")

    run(hosts, MESH)

    assert {"docker start one", "docker start three"} <= set(map(str, hosts["host2"].asked))
    starts = [each for each in hosts["host2"].asked if str(each).startswith("docker start")]
    assert len(starts) == 3


def test_a_bug_of_ours_is_raised_after_all_other_hosts_are_done() -> None:
    hosts = make(installed, MESH)

    def bug(request: Request) -> Answer | None:
        if str(request).startswith("ovs-vsctl --retry"):
            raise ZeroDivisionError
        return None

    hosts["host1"].fails = bug
    with pytest.raises(ZeroDivisionError):
        run(hosts, MESH)

    assert as_planned([hosts["host2"], hosts["host3"]], MESH)


# Docker


def refuse_once(start: str) -> Callable[[Request], Answer | None]:
    left = [NO]
    return lambda request: left.pop() if left and str(request).startswith(start) else None


def test_the_old_daemon_json_is_back_when_docker_does_not_start_with_the_new_one() -> None:
    hosts = make(installed, MESH)
    hosts["host2"].files[DAEMON_JSON] = ('{"dns": ["9.9.9.9"]}', 0o600)
    hosts["host2"].fails = refuse_once("systemctl restart docker.service")

    result = run(hosts, MESH)

    assert hosts["host2"].files[DAEMON_JSON] == ('{"dns": ["9.9.9.9"]}', 0o600)
    assert hosts["host2"].docker is not None
    assert result.error("host2").report.now == AS_BEFORE
    assert hosts["host2"].devices.get("br0") is None


def test_a_daemon_json_that_was_not_there_is_gone_again_when_docker_does_not_start_with_it() -> None:
    hosts = make(installed, MESH)
    hosts["host2"].fails = refuse_once("systemctl restart docker.service")

    run(hosts, MESH)

    assert DAEMON_JSON not in hosts["host2"].files


def test_docker_that_does_not_start_at_all_is_said() -> None:
    hosts = make(installed, MESH)
    hosts["host2"].fails = refuse("systemctl restart docker.service")

    result = run(hosts, MESH)

    now = result.error("host2").report.now
    assert now is not None
    assert now.startswith("it rolled back, except for: Docker: exit 1")


def test_the_users_daemon_json_is_kept() -> None:
    hosts = make(installed, MESH)
    hosts["host2"].files[DAEMON_JSON] = ('{"dns": ["9.9.9.9"]}', 0o600)

    run(hosts, MESH)

    assert hosts["host2"].files[BEFORE] == ('{"dns": ["9.9.9.9"]}', 0o600)
    assert hosts["host2"].files[DAEMON_JSON][1] == 0o600


def stopped(host: FakeHost) -> list[str]:
    return [container.name for container in host.containers if not container.runs]


def test_every_container_that_ran_runs_again() -> None:
    hosts = make(installed, MESH)
    hosts["host1"].containers = [Container("db", "always"), Container("job"), Container("old", runs=False)]

    result = run(hosts, MESH)

    assert result.failed == []
    assert stopped(hosts["host1"]) == ["old"]


def test_every_container_that_ran_runs_again_after_a_failed_restart_too() -> None:
    hosts = make(installed, MESH)
    hosts["host1"].containers = [Container("job")]
    broken: list[Request] = []

    def dies_once(request: Request) -> Answer | None:
        if str(request) == "systemctl restart docker.service" and not broken:
            broken.append(request)
            hosts["host1"].containers[0].runs = False
            return NO
        return None

    hosts["host1"].fails = dies_once
    run(hosts, MESH)

    assert stopped(hosts["host1"]) == []


def test_a_container_that_its_owner_wanted_gone_is_no_failure() -> None:
    hosts = make(installed, MESH)
    hosts["host1"].containers = [Container("shell", "rm"), Container("job")]

    result = run(hosts, MESH)

    assert result.failed == []
    assert [container.name for container in hosts["host1"].containers if container.runs] == ["job"]


def test_live_restore_does_not_keep_docker_from_its_new_settings() -> None:
    hosts = make(installed, MESH)
    hosts["host1"].files[DAEMON_JSON] = ('{"live-restore": true}', 0o644)
    hosts["host1"].docker = Daemon({"live-restore": True}, live_restore=True)
    hosts["host1"].containers = [Container("job")]

    result = run(hosts, MESH)

    assert result.failed == []
    assert hosts["host1"].docker.live_restore
    assert as_planned(hosts.values(), MESH)


def test_docker_that_takes_other_settings_than_told_keeps_its_host_out() -> None:
    hosts = make(installed, MESH)
    hosts["host2"].fails = lambda request: Answer(0) if str(request) == "systemctl restart docker.service" else None

    result = run(hosts, MESH)

    report = result.error("host2").report
    assert report.what == "Docker took other settings than daemon.json says"
    assert report.step == StepName.DOCKER
    assert "br0" not in hosts["host2"].devices


# Two owners


def owners(hosts: Mapping[str, FakeHost]) -> list[str]:
    """The addresses that Docker has on hosts that are in the mesh."""
    return [
        str(host.docker.settings.get("bip", "172.17.0.1/16"))
        for host in hosts.values()
        if host.docker and (fabric := host.devices.get("br0")) and fabric.master
    ]


def watch(hosts: Mapping[str, FakeHost]) -> list[list[str]]:
    """Look at the owners before each request to any host."""
    seen: list[list[str]] = []

    def note(_: Request) -> Answer | None:
        seen.append(owners(hosts))
        return None

    for host in hosts.values():
        host.fails = note
    return seen


@pytest.mark.parametrize("later", [swapped(MESH), mesh_of(4), mesh_of(3, prefix="10.99.0.0/16")])
def test_no_address_has_two_owners_at_any_moment(later: Mesh) -> None:
    hosts = {**make(bare, later), **make(applied, MESH)}
    seen = watch(hosts)

    result = run(hosts, later)

    assert result.failed == []
    assert len(seen) > 50
    assert [each for each in seen if len(set(each)) != len(each)] == []


def test_a_host_that_is_left_out_keeps_its_pool_and_whoever_is_to_get_it_is_refused_beforehand() -> None:
    hosts = make(applied, MESH)
    inspections = asyncio.run(inspect_all(build(swapped(MESH)), {"host1": hosts["host1"]}))

    refused = refuse_beforehand(inspections, asyncio.run(read_owners([hosts["host2"], hosts["host3"]])))["host1"]

    assert isinstance(refused, HostError)
    assert refused.report.what == "is to have 172.17.42.2 and 172.17.128.0/18, which host2 still has"
    assert refused.report.do == "apply host2 in the same run: each gives up the old before anybody gets the new"


def test_a_host_that_cannot_be_asked_keeps_what_the_last_run_made_of_it() -> None:
    hosts = make(applied, MESH)
    inspections = asyncio.run(inspect_all(build(swapped(MESH)), {"host1": hosts["host1"]}))

    refused = refuse_beforehand(inspections, {"host2": presumed(MESH.hosts[1])})["host1"]

    assert isinstance(refused, HostError)
    assert refused.report.what == "is to have 172.17.42.2 and 172.17.128.0/18, which host2 still has"


def test_hosts_that_keep_their_pools_take_from_nobody() -> None:
    hosts = make(applied, MESH)

    assert takers(asyncio.run(inspect_all(build(MESH), hosts))) == ()
    assert takers(asyncio.run(inspect_all(build(swapped(MESH)), hosts))) == ("host1", "host2")


@pytest.mark.parametrize("dies_at", range(3, 100, 7))
def test_no_address_has_two_owners_wherever_it_dies(dies_at: int) -> None:
    hosts = make(applied, MESH)
    asked: list[Request] = []

    def dies(request: Request) -> Answer | None:
        asked.append(request)
        if len(asked) > dies_at:
            raise ConnectError("lost the SSH connection")
        return None

    for host in hosts.values():
        host.fails = dies
    run(hosts, swapped(MESH))

    assert len(set(owners(hosts))) == len(owners(hosts))
    for host in hosts.values():
        host.fails = lambda _: None
    assert run(hosts, swapped(MESH)).failed == []
    assert as_planned(hosts.values(), swapped(MESH))


def test_hosts_with_dockers_defaults_are_never_in_the_mesh_with_them() -> None:
    hosts = make(installed, MESH)
    seen = watch(hosts)

    run(hosts, MESH)

    assert [each for each in seen if "172.17.0.1/16" in each] == []


def test_in_a_tree_a_host_does_not_take_what_another_one_that_could_not_be_changed_still_has() -> None:
    """Where flows carry the frames, no host is changed then: test_all_or_none.py."""
    mesh = mesh_of(3, fabric=TREE)
    hosts = make(applied, mesh)
    hosts["host2"].locked_by = "ann@desk"

    result = run(hosts, swapped(mesh))

    report = result.error("host1").report
    assert set(result.failed) == {"host1", "host2"}
    assert report.what == "is to have 172.17.42.2 and 172.17.128.0/18, which host2 still has"
    assert report.step == StepName.DOCKER
    assert report.now == AS_BEFORE
    assert hosts["host1"].state() == make(applied, mesh)["host1"].state()


def test_a_failed_host_that_is_not_in_the_mesh_keeps_nobody_out() -> None:
    hosts = make(installed, MESH)
    hosts["host2"].locked_by = "ann@desk"

    assert run(hosts, MESH).failed == ["host2"]


# What the requests are


def test_another_spanning_tree_needs_no_restart_of_docker() -> None:
    hosts = make(applied, MESH)

    run(hosts, mesh_of(3, fabric=Fabric(forwarding=Forwarding.STP)))

    for host in hosts.values():
        assert not any("docker" in line and "systemctl" in line for line in host.writes())


def test_every_write_to_a_host_follows_its_lock() -> None:
    for host in run(make(bare, MESH), MESH).hosts.values():
        assert isinstance(host.asked[0], Lock)
        assert sum(isinstance(request, Lock) for request in host.asked) == 1


def test_files_are_written_whole_and_commands_have_a_deadline() -> None:
    for host in run(make(bare, MESH), MESH).hosts.values():
        assert all(request.text.endswith("\n") for request in host.asked if isinstance(request, Put))
        assert all(0 < request.timeout_s <= 900 for request in host.asked if isinstance(request, Exec))


# Docker's restart, one host after another, or later


def test_containers_of_one_host_are_down_at_a_time() -> None:
    hosts = make(applied, MESH)
    for host in hosts.values():
        host.containers = [Container("web", "always")]
    restarts: list[str] = []
    detached: list[set[str]] = []

    def note(name: str) -> Callable[[Request], Answer | None]:
        def look(request: Request) -> Answer | None:
            out = {each for each, host in hosts.items() if "docker0" not in str(host.devices.get("br0"))}
            detached.append(out)
            if str(request) == "systemctl restart docker.service":
                restarts.append(name)
            return None

        return look

    for name, host in hosts.items():
        host.fails = note(name)
    result = run(hosts, mesh_of(3, prefix="10.99.0.0/16"))

    assert result.failed == []
    assert sorted(restarts) == ["host1", "host2", "host3"]
    assert max(map(len, detached)) == 1


def test_hosts_without_containers_do_not_wait_for_each_other() -> None:
    told = run(make(applied, MESH), mesh_of(3, prefix="10.99.0.0/16")).told

    assert not any("wait for" in text for _, text in told.lines)


async def later_apply(plan: Plan, hosts: Mapping[str, FakeHost]) -> tuple[Outcome, ...]:
    session = Session(RUN, restart=Restart.DEFERRED)
    outcomes = await apply(
        plan, hosts, AllOrNone(plan, await inspect_all(plan, hosts, Restart.DEFERRED)), session, Told()
    )
    await session.confirm(hosts, {})
    return outcomes


def test_without_a_restart_the_file_is_written_and_the_rest_waits() -> None:
    """Another kind of tunnel leaves another MTU, which Docker takes at its start."""
    hosts = make(applied, MESH)
    for host in hosts.values():
        host.containers = [Container("web")]
    later = mesh_of(3, fabric=Fabric(tunnel=Tunnel.VXLAN))

    outcomes = asyncio.run(later_apply(build(later), hosts))

    assert [outcome.error for outcome in outcomes] == [None, None, None]
    for host in hosts.values():
        assert '"mtu": 1450' in host.files[DAEMON_JSON][0]
        assert not any("docker.service" in line for line in host.writes())
        assert host.devices["br0"].master == "docker0"
    assert run(hosts, later).failed == []
    assert as_planned(hosts.values(), later)


@pytest.mark.parametrize("forwarding", Forwarding)
@pytest.mark.parametrize("movers", [("host1",), ("host1", "host2", "host3")])
def test_without_a_restart_new_addresses_wait_on_all_hosts(forwarding: Forwarding, movers: tuple[str, ...]) -> None:
    """Flows and rules of two plans would have no way to each other: also of hosts whose Docker need not restart."""
    fabric = Fabric(forwarding=forwarding)
    before, later = mesh_of(3, fabric=fabric), mesh_of(3, fabric=replace(fabric, bfd=Bfd(multiplier=5)))
    pools = {"host1": "172.17.208.0/20", "host2": "172.17.64.0/19", "host3": "172.17.128.0/19"}
    later = replace(
        later,
        hosts=tuple(moved(host, pool=pools[host.name]) if host.name in movers else host for host in later.hosts),
    )
    hosts = make(applied, before)
    for host in hosts.values():
        host.containers = [Container("web")]
    states = {name: host.state() for name, host in hosts.items()}

    outcomes = asyncio.run(later_apply(build(later), hosts))

    assert [outcome.error for outcome in outcomes] == [None, None, None]
    assert {name: host.state() for name, host in hosts.items()} == states
    assert run(hosts, later).failed == []
    assert as_planned(hosts.values(), later)


def test_without_a_restart_a_network_with_ipv6_waits_for_dockers_rules() -> None:
    hosts = make(applied, MESH)
    for host in hosts.values():
        host.containers = [Container("web", "always")]
    later = with_network(MESH, prefix6="fd00:80::/64")

    outcomes = asyncio.run(later_apply(build(later), hosts))

    assert [outcome.error for outcome in outcomes] == [None, None, None]
    for host in hosts.values():
        assert "ip6tables" in host.files[DAEMON_JSON][0]
        assert "dm-blue" not in host.devices
    assert run(hosts, later).failed == []
    assert as_planned(hosts.values(), later)
    # Its rules stay, now that it has them, until no network needs them.
    assert all(IPV6 in host.files for host in hosts.values())
    assert run(hosts, MESH).failed == []
    assert as_planned(hosts.values(), MESH)
    assert not any(IPV6 in host.files for host in hosts.values())


def test_without_a_restart_a_host_that_is_not_in_the_mesh_stays_out_of_it() -> None:
    hosts = make(installed, MESH)

    asyncio.run(later_apply(build(MESH), hosts))

    for host in hosts.values():
        assert host.devices["br0"].master is None
        assert host.docker is not None
        assert "bip" not in host.docker.settings


def test_what_a_host_keeps_without_a_restart_nobody_else_gets() -> None:
    hosts = make(applied, MESH)
    hosts["host2"].docker = None  # its Docker is to be started, which is left for later, too
    later = swapped(MESH)

    outcomes = {outcome.host: outcome for outcome in asyncio.run(later_apply(build(later), hosts))}

    assert all(outcome.error is None or isinstance(outcome.error, HostError) for outcome in outcomes.values())
    assert len(set(owners(hosts))) == len(owners(hosts))


def test_live_restore_that_does_not_come_back_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dockmesh.apply.docker.RELOADED_POLL_S", 0)
    hosts = make(installed, MESH)
    hosts["host1"].files[DAEMON_JSON] = ('{"live-restore": true}', 0o644)
    hosts["host1"].docker = Daemon({"live-restore": True}, live_restore=True)
    hosts["host1"].fails = lambda request: Answer(0) if str(request) == "systemctl reload docker.service" else None

    result = run(hosts, MESH)

    assert result.error("host1").report.what == "Docker did not take live-restore back after its restart"


def test_no_host_gets_the_flows_of_a_new_plan_before_all_gave_up_what_it_does_not_have() -> None:
    ring = Fabric(forwarding=Forwarding.DIRECT, topology=Ring())
    old, new = mesh_of(4, fabric=ring), mesh_of(5, fabric=ring)
    hosts = {**make(bare, new), **make(applied, old)}
    wanted = {name: config.flows for name, config in configs(new).items()}
    written: list[bool] = []
    for name, host in hosts.items():

        def note(request: Request, name: str = name) -> None:
            if isinstance(request, Put) and request.path == FLOWS:
                written.append(str(wanted[name]) in request.text)

        host.fails = note

    result = run(hosts, new)

    assert result.failed == []
    assert written == [False] * 4 + [True] * 5
    assert as_planned(hosts.values(), new)
