"""From whatever a host was, through apply and destroy, back to that; wherever it dies and is run again."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from dockmesh.apply.inspection import lock_all
from dockmesh.diff.outcome import Outcome
from dockmesh.errors import ConflictError, ConnectError, DockmeshError, HostError
from dockmesh.model.mesh import Mesh, Renderer
from dockmesh.plan.build import build
from dockmesh.record.initial_state import LEFT_BY, file_of
from dockmesh.record.paths import IPV6, ORIGIN, STATE
from dockmesh.render.docker import BEFORE, DAEMON_JSON
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Answer, Exec, Request
from dockmesh.undo.run import DestroyPlan, inspect_all
from dockmesh.undo.run import destroy as destroy_mesh
from tests.support.fake_host import Container, Daemon, Device, FakeHost, applied, bare, installed
from tests.support.fake_ovs import Bridge, Port
from tests.support.meshes import TREE, mesh_of, with_network
from tests.support.plans import configs
from tests.support.strides import AT_REQUESTS, some_of
from tests.unit.undo.test_ipv6 import RULES
from tests.unit.undo.test_rollback import RUN, Silence
from tests.unit.undo.test_rollback import run as apply

MESH = mesh_of(3)
IFUPDOWN = mesh_of(3, fabric=replace(TREE, renderer=Renderer.IFUPDOWN))
THEIRS = '{"log-opts": {"max-size": "10m"},  "labels": ["rack=7"]}'
OFF = ("inactive", "disabled")
Hosts = dict[str, FakeHost]


def busy(config: HostConfig) -> FakeHost:
    """Docker with containers and a daemon.json of its owner's."""
    host = installed(config)
    host.containers = [Container("db", "always"), Container("job")]
    host.files[DAEMON_JSON] = (THEIRS, 0o600)
    return host


def live(config: HostConfig) -> FakeHost:
    host = busy(config)
    host.files[DAEMON_JSON] = ('{"live-restore": true}', 0o644)
    host.docker = Daemon({"live-restore": True}, live_restore=True)
    return host


def idle(config: HostConfig) -> FakeHost:
    """Open vSwitch and Docker are installed, and nobody uses them."""
    host = installed(config)
    host.docker, host.ovs = None, None
    del host.devices["docker0"]
    return host


def with_others_bridge(config: HostConfig) -> FakeHost:
    host = installed(config)
    host.answer_with_ovs({"br-ops": Bridge(ports={"br-ops": Port(), "ops0": Port()})})
    host.devices["br-ops"] = Device(kind="openvswitch")
    return host


WORLDS: dict[str, Callable[[HostConfig], FakeHost]] = {
    each.__name__: each for each in (installed, busy, live, idle, with_others_bridge)
}


def make(state: Callable[[HostConfig], FakeHost], mesh: Mesh = MESH) -> Hosts:
    return {name: state(config) for name, config in configs(mesh).items()}


async def _destroy(mesh: Mesh, hosts: Mapping[str, FakeHost], *, packages: bool) -> tuple[Outcome, ...]:
    locked = await lock_all(hosts, RUN, Silence())
    found = {**await inspect_all(build(mesh), hosts, packages=packages), **locked}
    return await destroy_mesh(hosts, found, Silence())


def destroy(hosts: Mapping[str, FakeHost], mesh: Mesh = MESH, *, packages: bool = False) -> dict[str, DockmeshError]:
    """By host what went wrong."""
    outcomes = asyncio.run(_destroy(mesh, hosts, packages=packages))
    return {outcome.host: outcome.error for outcome in outcomes if outcome.error}


def meshed(state: Callable[[HostConfig], FakeHost], mesh: Mesh = MESH) -> Hosts:
    hosts = make(state, mesh)
    assert asyncio.run(apply(mesh, hosts)) == []
    return hosts


def world(host: FakeHost) -> object:
    """All that there is on it. Docker gives its bridge another MAC address each time."""
    facts = host.facts()
    links = tuple(
        replace(link, mac="", index=0) if link.name == "docker0" else replace(link, index=0) for link in facts.links
    )
    on = {unit: [value for value in each.values() if value not in OFF] for unit, each in facts.units.items()}
    running = sorted(each.name for each in host.containers if each.runs)
    return replace(facts, units={}, links=tuple(sorted(links, key=str))), on, host.files, running, host.packages


def worlds(hosts: Hosts) -> dict[str, object]:
    return {name: world(host) for name, host in hosts.items()}


@pytest.mark.parametrize("mesh", [MESH, IFUPDOWN], ids=["systemd", "ifupdown"])
@pytest.mark.parametrize("state", WORLDS)
def test_hosts_are_as_before_the_first_apply(state: str, mesh: Mesh) -> None:
    hosts = meshed(WORLDS[state], mesh)

    assert destroy(hosts, mesh) == {}

    before = make(WORLDS[state], mesh)
    if mesh is IFUPDOWN:  # its package stays, as nobody said otherwise
        for host in before.values():
            host.packages = hosts["host1"].packages
    assert worlds(hosts) == worlds(before)


def test_a_second_destroy_changes_nothing() -> None:
    hosts = meshed(busy)
    destroy(hosts)
    for host in hosts.values():
        host.asked.clear()

    assert destroy(hosts) == {}

    assert [host.writes() for host in hosts.values()] == [[], [], []]


def test_bare_hosts_are_bare_again_with_packages() -> None:
    hosts = meshed(bare)

    assert destroy(hosts, packages=True) == {}

    assert worlds(hosts) == worlds(make(bare))


LEFT = {folder for each in LEFT_BY.values() for folder in each}
IPTABLES, IP6TABLES = (file_of(f"net.bridge.bridge-nf-call-{each}") for each in ("iptables", "ip6tables"))


def bare_with(folders: set[str], files: Mapping[str, str]) -> Hosts:
    hosts = make(bare)
    for host in hosts.values():
        host.folders |= folders
        host.files.update({path: (text, 0o644) for path, text in files.items()})
    return hosts


def docker_came(hosts: Hosts) -> None:
    """Its packages make folders, and Docker loads what has bridges meet the firewall."""
    for host in hosts.values():
        host.folders |= LEFT
        host.files |= {IPTABLES: ("1\n", 0o644), IP6TABLES: ("1\n", 0o644)}


@pytest.mark.parametrize(
    ("before", "after"),
    [({}, {IPTABLES: "0", IP6TABLES: "0"}), ({IPTABLES: "0\n", IP6TABLES: "1\n"}, {IPTABLES: "0"})],
    ids=["the module was not loaded", "it was"],
)
def test_bridges_meet_the_firewall_as_they_did_before_docker(before: dict[str, str], after: dict[str, str]) -> None:
    hosts = bare_with(set(), before)
    assert asyncio.run(apply(MESH, hosts)) == []
    docker_came(hosts)

    assert destroy(hosts, packages=True) == {}

    words = {f"{path.removeprefix('/proc/sys/').replace('/', '.')}={value}" for path, value in after.items()}
    said = [each.argv[3:] for each in hosts["host1"].asked if isinstance(each, Exec) and "sysctl" in each.argv]
    assert {word for each in said for word in each if word.startswith("net.bridge")} == words


def test_what_packages_leave_empty_goes_where_it_was_not_before_and_where_they_go() -> None:
    hosts = bare_with({"/etc/cni"}, {})
    assert asyncio.run(apply(MESH, hosts)) == []
    docker_came(hosts)
    hosts["host1"].files["/var/log/openvswitch/theirs"] = ("theirs", 0o644)

    assert destroy(hosts, packages=True) == {}

    assert hosts["host1"].folders & LEFT == {"/etc/cni", "/var/log/openvswitch"}
    assert hosts["host2"].folders & LEFT == {"/etc/cni"}


def test_what_packages_made_stays_with_them() -> None:
    hosts = make(bare)
    assert asyncio.run(apply(MESH, hosts)) == []
    docker_came(hosts)

    assert destroy(hosts) == {}

    assert hosts["host1"].folders >= LEFT


def test_images_and_volumes_outlive_the_package() -> None:
    hosts = meshed(bare)

    destroy(hosts, packages=True)

    writes = hosts["host1"].writes()
    nuke = next(at for at, line in enumerate(writes) if line.endswith("nuke-graph-directory.sh"))
    assert " remove " in writes[nuke - 1]
    assert " purge " in writes[nuke + 1]


def test_packages_stay_unless_told() -> None:
    hosts = meshed(bare)

    destroy(hosts)

    assert all("dockerd" in host.programs and host.ovs is not None for host in hosts.values())
    assert all(not any(path.startswith(STATE) for path in host.files) for host in hosts.values())


def test_a_package_that_somebody_needs_by_now_stays() -> None:
    hosts = meshed(bare)
    hosts["host1"].packages["theirs"] = "1"
    hosts["host1"].needs["theirs"] = "iptables (>= 1) | nothing"

    destroy(hosts, packages=True)

    assert hosts["host1"].packages == {"theirs": "1", "iptables": "1"}


def test_docker_with_containers_and_a_switch_with_bridges_stay_and_it_is_said() -> None:
    hosts = meshed(bare)
    host = hosts["host1"]
    host.containers = [Container("web")]
    host.answer_with_ovs({"br-ops": Bridge(ports={"br-ops": Port()})})
    found = asyncio.run(inspect_all(build(MESH), hosts, packages=True))["host1"]

    destroy(hosts, packages=True)

    assert isinstance(found, DestroyPlan)
    assert found.kept == {"docker.io": "it runs web", "openvswitch-switch": "it has br-ops"}
    assert {"docker.io", "openvswitch-switch"} <= {*host.packages}
    assert [container.name for container in host.containers if container.runs] == ["web"]


def test_what_the_user_changed_in_daemon_json_since_stays() -> None:
    hosts = meshed(busy)
    host = hosts["host1"]
    text, mode = host.files[DAEMON_JSON]
    host.files[DAEMON_JSON] = (json.dumps({**json.loads(text), "debug": True}), mode)

    destroy(hosts)

    text, mode = host.files[DAEMON_JSON]
    assert json.loads(text) == {**json.loads(THEIRS), "debug": True}
    assert mode == 0o600
    assert BEFORE not in host.files


def test_a_port_of_somebody_in_our_bridge_stays_with_it() -> None:
    hosts = meshed(installed)
    ovs = hosts["host1"].ovs
    assert ovs is not None
    ovs.bridges["br0"].ports["tap7"] = Port()

    destroy(hosts)

    assert set(ovs.bridges["br0"].ports) == {"br0", "tap7"}
    assert "dockmesh" not in ovs.bridges["br0"].columns["external_ids"]
    assert hosts["host1"].devices["br0"].master is None


def test_what_docker_left_of_a_run_that_was_taken_back_goes() -> None:
    """Docker is as it was, so nothing else of it changes."""
    hosts = meshed(installed)
    destroy(hosts)
    host = hosts["host1"]
    host.files[IPV6] = ('{"forwarded": false, "policy": null}\n', 0o600)
    host.fails = lambda request: Answer(0, RULES) if request == Exec(("ip6tables-save",)) else None

    assert destroy(hosts) == {}

    restored = [each.stdin for each in host.asked if isinstance(each, Exec) and each.argv[0] == "ip6tables-restore"]
    assert [":FORWARD ACCEPT" in text and "-X DOCKER-USER" in text for text in restored] == [True]
    assert IPV6 not in host.files


def test_a_container_on_a_network_that_goes_keeps_the_mesh_and_it_is_shown_all_the_same() -> None:
    mesh = with_network(MESH)
    hosts = meshed(installed, mesh)
    hosts["host1"].containers = [Container("db", network="blue")]
    before = world(hosts["host1"])

    found = asyncio.run(inspect_all(build(mesh), hosts, packages=False))["host1"]
    failed = destroy(hosts, mesh)

    assert isinstance(found, DestroyPlan)
    assert "network blue" in {str(change.subject) for change in found.inspection.diff.changes}
    assert {name: type(error) for name, error in failed.items()} == {"host1": ConflictError}
    assert world(hosts["host1"]) == before


def test_a_host_of_another_mesh_is_left_alone() -> None:
    hosts = meshed(installed)
    other = replace(MESH, name="other")
    before = worlds(hosts)

    errors = destroy(hosts, other)

    assert set(errors) == {"host1", "host2", "host3"}
    assert all(isinstance(error, ConflictError) for error in errors.values())
    assert worlds(hosts) == before


def test_a_host_whose_initial_state_a_newer_dockmesh_wrote_is_left_alone() -> None:
    hosts = meshed(busy)
    before = worlds(hosts)
    for host in hosts.values():
        text, mode = host.files[ORIGIN]
        host.files[ORIGIN] = (text.replace('"form": 1,', '"form": 2,'), mode)

    errors = destroy(hosts)

    assert {error.report.what for error in errors.values()} == {
        f"a newer dockmesh wrote {ORIGIN}, in form 2, and this one reads no form after 1"
    }
    for host in hosts.values():
        text, mode = host.files[ORIGIN]
        host.files[ORIGIN] = (text.replace('"form": 2,', '"form": 1,'), mode)
    assert worlds(hosts) == before


def test_hosts_from_before_there_were_records_lose_what_is_marked() -> None:
    hosts = make(applied)

    assert destroy(hosts) == {}

    for host in hosts.values():
        assert host.ovs is not None
        assert host.ovs.bridges == {}
        assert DAEMON_JSON not in host.files
        assert host.devices["docker0"].addresses == ["172.17.0.1/16"]


def test_a_switch_that_was_stopped_by_hand_is_asked_for() -> None:
    hosts = meshed(installed)
    hosts["host1"].ovs = None

    (error,) = destroy(hosts).values()

    assert isinstance(error, HostError)
    assert "start it" in str(error)


def test_the_record_of_what_a_host_was_outlives_a_run_that_is_taken_back() -> None:
    hosts = make(bare)
    hosts["host1"].fails = lambda request: Answer(1) if str(request).startswith("write /etc/dockmesh") else None
    asyncio.run(apply(MESH, hosts))
    hosts["host1"].fails = lambda _: None
    assert ORIGIN in hosts["host1"].files

    asyncio.run(apply(MESH, hosts))
    destroy(hosts, packages=True)

    assert world(hosts["host1"]) == world(make(bare)["host1"])


def dies_at(hosts: Hosts, number: int, *, done: bool) -> None:
    """From this request on nothing is answered; it is the last that is done, or the first that is not."""
    asked: list[Request] = []

    def fails_of(host: FakeHost) -> Callable[[Request], Answer | None]:
        def fails(request: Request) -> Answer | None:
            asked.append(request)
            if len(asked) > number:
                if done and len(asked) == number + 1:
                    host.answer(request)
                raise ConnectError("lost the SSH connection", host=host.name)
            return None

        return fails

    for host in hosts.values():
        host.fails = fails_of(host)


@pytest.mark.exhaustive
@AT_REQUESTS
@pytest.mark.parametrize("state", ["busy", "live", "idle"])
def test_wherever_it_dies_the_next_run_ends_the_same(state: str, stride: int) -> None:
    undisturbed = meshed(WORLDS[state])
    for host in undisturbed.values():
        host.asked.clear()
    destroy(undisturbed)
    requests = sum(len(host.asked) for host in undisturbed.values())
    for number in some_of(requests, stride, state):
        hosts = meshed(WORLDS[state])
        dies_at(hosts, number, done=bool(number % 2))
        assert destroy(hosts)
        for host in hosts.values():
            host.fails = lambda _: None
            host.locked_by = None

        assert destroy(hosts) == {}, number

        assert worlds(hosts) == worlds(make(WORLDS[state])), number


@pytest.mark.exhaustive
@AT_REQUESTS
def test_wherever_it_dies_with_packages_the_next_run_ends_the_same(stride: int) -> None:
    undisturbed = meshed(bare)
    for host in undisturbed.values():
        host.asked.clear()
    destroy(undisturbed, packages=True)
    for number in some_of(sum(len(host.asked) for host in undisturbed.values()), stride, "packages"):
        hosts = meshed(bare)
        dies_at(hosts, number, done=bool(number % 2))
        assert destroy(hosts, packages=True)
        for host in hosts.values():
            host.fails = lambda _: None

        assert destroy(hosts, packages=True) == {}, number

        assert worlds(hosts) == worlds(make(bare)), number
