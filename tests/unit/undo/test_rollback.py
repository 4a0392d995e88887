"""Wherever a run dies, each host is then old or new, and the next run makes of it what an undisturbed one does."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest

from dockmesh.apply.all_or_none import AllOrNone
from dockmesh.apply.exchange_keys import exchange
from dockmesh.apply.inspection import inspect_all, lock_all
from dockmesh.apply.reassigned import reassigned, reassigned_networks
from dockmesh.apply.run import apply
from dockmesh.errors import ConnectError
from dockmesh.model.mesh import Fabric, Forwarding, Host, Mesh, Renderer, TunnelDevices
from dockmesh.plan.build import build
from dockmesh.record.paths import ARMED, STAY_OUT
from dockmesh.record.run import Run, confirmed_line
from dockmesh.render.paths import FLOWS, FLOWS_UNIT, FLOWS_UNIT_FILE, GUARD, INTERFACES
from dockmesh.transport.requests import Answer, Request
from dockmesh.undo.session import Session, told
from tests.support.fake_flows import FakeFlows
from tests.support.fake_host import Container, Device, FakeHost, applied, bare, installed
from tests.support.meshes import ENCRYPTED, KERNEL, TREE, mesh_of, swapped, with_attachment, with_network
from tests.support.plans import configs
from tests.support.strides import AT_REQUESTS, some_of

RUN = Run("20260102T030405Z-abcd", "ann", "desk", "2026-01-02T03:04:05Z", "apply")
# In a tree. Where flows carry the frames, a host that goes back keeps of them what old and new have in common.
THREE = mesh_of(3, fabric=TREE)
KERNEL_TREE = replace(KERNEL, forwarding=Forwarding.RSTP)
OVS = replace(KERNEL, tunnel_devices=TunnelDevices.OPENVSWITCH)
Hosts = dict[str, FakeHost]


class Silence:
    def step(self, host: str, text: str) -> None:
        pass

    done = failed = step


class DiedError(BaseException):
    """As SIGKILL: nothing of ours is run after it."""


def with_containers(hosts: Hosts) -> Hosts:
    for host in hosts.values():
        host.containers = [Container("db", "always"), Container("job")] if host.docker else []
    return hosts


def make(state: str, mesh: Mesh) -> Hosts:
    makers = {"bare": bare, "installed": installed, "applied": applied}
    return with_containers({name: makers[state](config) for name, config in configs(mesh).items()})


def _with(host: Host, other: Host) -> Host:
    return replace(host, allocations=(host.allocations[0], *other.further))


def swapped_allocations(mesh: Mesh) -> Mesh:
    one, two, *others = mesh.hosts
    return replace(mesh, hosts=(_with(one, two), _with(two, one), *others))


@dataclass(frozen=True)
class Scenario:
    before: str
    old: Mesh
    new: Mesh

    def hosts(self) -> Hosts:
        hosts = {**make("bare", self.new), **make(self.before, self.old)}
        for each in (self.old, self.new):
            for attach in (network.attach for network in each.networks if network.attach):
                hosts[attach.host].devices.setdefault(attach.interface, Device(mac="02:00:00:00:00:02", up=False))
        return hosts


SCENARIOS = {
    "bare hosts": Scenario("bare", THREE, THREE),
    "hosts with Docker": Scenario("installed", THREE, THREE),
    "a host more": Scenario("applied", THREE, mesh_of(4, fabric=TREE)),
    "another prefix": Scenario("applied", THREE, mesh_of(3, prefix="10.99.0.0/16", fabric=TREE)),
    "another tree": Scenario("applied", THREE, mesh_of(3, fabric=Fabric(forwarding=Forwarding.STP))),
    "the other renderer": Scenario("applied", THREE, mesh_of(3, fabric=replace(TREE, renderer=Renderer.IFUPDOWN))),
    "swapped pools": Scenario("applied", THREE, swapped(THREE)),
    "a network more": Scenario("applied", THREE, with_network(THREE)),
    "a network less": Scenario("applied", with_network(THREE), THREE),
    "an interface more": Scenario("applied", with_network(THREE), with_attachment(with_network(THREE))),
    "an interface less": Scenario("applied", with_attachment(with_network(THREE)), with_network(THREE)),
    "tunnels of the kernel's": Scenario("applied", mesh_of(3, fabric=OVS), mesh_of(3, fabric=KERNEL)),
    "other VNIs": Scenario("applied", mesh_of(3, fabric=KERNEL), mesh_of(3, fabric=replace(KERNEL, key=9))),
    # With a tree: where flows change, those that changed are left out of what a rollback puts back.
    "a host more with the kernel's": Scenario(
        "applied", mesh_of(3, fabric=KERNEL_TREE), mesh_of(4, fabric=KERNEL_TREE)
    ),
    "encryption": Scenario("applied", mesh_of(3, fabric=KERNEL), mesh_of(3, fabric=ENCRYPTED)),
    "swapped pools of a network": Scenario("applied", with_network(THREE), swapped_allocations(with_network(THREE))),
}


async def run(mesh: Mesh, hosts: Mapping[str, FakeHost]) -> list[str]:
    """One whole run; the hosts that failed."""
    plan = build(mesh)
    if mesh.fabric.encryption is not None:
        plan = await exchange(plan, hosts, {}, make=True)
    locked = await lock_all(hosts, RUN, Silence())
    inspections = {**await inspect_all(plan, hosts), **locked}
    session = Session(RUN, stay_out=reassigned(plan, inspections), held_back=reassigned_networks(plan, inspections))
    outcomes = await apply(plan, hosts, AllOrNone(plan, inspections), session, Silence())
    wrong = await session.confirm(hosts, {})
    return [outcome.host for outcome in outcomes if outcome.error] + list(wrong)


def count_requests(scenario: Scenario) -> int:
    hosts = scenario.hosts()
    assert asyncio.run(run(scenario.new, hosts)) == []
    return sum(len(host.asked) for host in hosts.values())


def dies_at(hosts: Hosts, number: int, error: Callable[[], BaseException]) -> None:
    """All requests to all hosts are counted; from this one on nothing is answered, and this one is done or not."""
    asked: list[Request] = []

    def fails(request: Request) -> Answer | None:
        asked.append(request)
        if len(asked) > number:
            raise error()
        return None

    for host in hosts.values():
        host.fails = fails


def revive(hosts: Hosts) -> None:
    for host in hosts.values():
        host.fails = lambda _: None


def containers(hosts: Hosts) -> dict[str, list[str]]:
    return {name: [each.name for each in host.containers if each.runs] for name, host in hosts.items()}


def states(hosts: Hosts) -> dict[str, object]:
    return {name: host.state() for name, host in hosts.items()}


def owners(hosts: Hosts) -> list[str]:
    return [
        str(host.docker.settings.get("bip", "172.17.0.1/16"))
        for host in hosts.values()
        if host.docker and (fabric := host.devices.get("br0")) and fabric.master
    ]


def network_owners(hosts: Hosts) -> list[str]:
    """Who of them is in the mesh with an address of a further network, and a pool."""
    return [
        str(row["IPAM"]["Config"])
        for host in hosts.values()
        for name, row in (host.docker.networks.items() if host.docker else ())
        if (switch := host.devices.get(f"dmv-{name}")) and switch.master
    ]


@pytest.mark.exhaustive
@AT_REQUESTS
@pytest.mark.parametrize("end", [FakeHost.wait_out, pytest.param(FakeHost.restart, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", SCENARIOS)
def test_each_host_is_old_or_new_wherever_our_side_is_killed(
    name: str, end: Callable[[FakeHost], None], stride: int
) -> None:
    """Its time is over, or it is booted before that."""
    scenario = SCENARIOS[name]

    def before() -> Hosts:
        hosts = scenario.hosts()
        if end is FakeHost.restart:
            for host in hosts.values():  # a boot stops what has no restart policy, whatever we do
                host.containers = [each for each in host.containers if each.policy == "always"]
                host.restart()
        return hosts

    undisturbed = before()
    assert asyncio.run(run(scenario.new, undisturbed)) == []
    new, old = states(undisturbed), states(before())
    for number in some_of(sum(len(host.asked) for host in undisturbed.values()), stride, name):
        hosts = before()
        dies_at(hosts, number, DiedError)
        with pytest.raises(DiedError):
            asyncio.run(run(scenario.new, hosts))
        revive(hosts)

        for host in hosts.values():
            end(host)

        confirmed = {each for each, host in hosts.items() if host.runs and '"confirmed"' in host.runs[-1]}
        for each, host in hosts.items():
            assert ARMED not in host.files
            if each in confirmed:
                assert host.state() == new[each], (number, each)
            elif name == "swapped pools of a network":
                pass  # it has not got back what another one has
            elif STAY_OUT not in host.files and "dockerd" in scenario.hosts()[each].programs:
                assert host.state() == old[each], (number, each)
        assert len(set(owners(hosts))) == len(owners(hosts)), number
        assert len(set(network_owners(hosts))) == len(network_owners(hosts)), number
        assert containers(hosts) == containers(undisturbed), number

        assert asyncio.run(run(scenario.new, hosts)) == []
        assert states(hosts) == new, number


@pytest.mark.exhaustive
@AT_REQUESTS
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_next_run_takes_back_and_finishes_what_a_lost_connection_left(name: str, stride: int) -> None:
    """The hosts' deadlines are not over when it comes."""
    scenario = SCENARIOS[name]
    undisturbed = scenario.hosts()
    asyncio.run(run(scenario.new, undisturbed))
    for number in some_of(count_requests(scenario), 3 * stride, name):
        hosts = scenario.hosts()
        dies_at(hosts, number, lambda: ConnectError("lost the SSH connection"))
        assert asyncio.run(run(scenario.new, hosts)) != []
        assert len(set(owners(hosts))) == len(owners(hosts)), number
        assert len(set(network_owners(hosts))) == len(network_owners(hosts)), number
        revive(hosts)

        assert asyncio.run(run(scenario.new, hosts)) == []
        assert states(hosts) == states(undisturbed), number
        assert containers(hosts) == containers(undisturbed), number


@pytest.mark.exhaustive
@AT_REQUESTS
@pytest.mark.parametrize("name", ["another prefix", "swapped pools", "swapped pools of a network"])
@pytest.mark.parametrize("lost", ["host1", "host2"])
def test_nobody_gets_what_a_host_has_whose_connection_is_lost(name: str, lost: str, stride: int) -> None:
    """At any request since it was read."""
    scenario = SCENARIOS[name]
    undisturbed = scenario.hosts()
    assert asyncio.run(run(scenario.new, undisturbed)) == []
    read = scenario.hosts()
    asyncio.run(lock_all(read, RUN, Silence()))
    asyncio.run(inspect_all(build(scenario.new), read))
    since = len(read[lost].asked)
    for number in some_of(len(undisturbed[lost].asked) - since, stride, name):
        hosts = scenario.hosts()
        dies_at({lost: hosts[lost]}, since + number, lambda: ConnectError("lost the SSH connection", host=lost))

        assert lost in asyncio.run(run(scenario.new, hosts)), number

        assert len(set(owners(hosts))) == len(owners(hosts)), number
        revive(hosts)
        for host in hosts.values():
            host.wait_out()
        assert len(set(owners(hosts))) == len(owners(hosts)), number
        assert asyncio.run(run(scenario.new, hosts)) == []
        assert states(hosts) == states(undisturbed), number


def test_in_a_tree_a_host_whose_addresses_went_to_another_stays_out_when_it_goes_back() -> None:
    """Where flows carry the frames, all hosts go back then."""
    old = mesh_of(3, fabric=TREE)
    scenario = Scenario("applied", old, swapped(old))
    hosts = scenario.hosts()
    hosts["host1"].fails = lambda request: Answer(1) if str(request).startswith("write /etc/dockmesh") else None

    failed = asyncio.run(run(scenario.new, hosts))

    assert failed == ["host1"]
    assert hosts["host1"].devices["br0"].master is None
    assert STAY_OUT in hosts["host1"].files
    assert len(set(owners(hosts))) == len(owners(hosts))


def test_a_host_that_stays_out_does_so_after_a_boot_with_ifupdown_too() -> None:
    old = replace(THREE, fabric=replace(TREE, renderer=Renderer.IFUPDOWN))
    scenario = Scenario("applied", old, swapped(old))
    undisturbed, hosts = scenario.hosts(), scenario.hosts()
    hosts["host1"].fails = lambda request: Answer(1) if "br0 master" in str(request) else None

    failed = asyncio.run(run(scenario.new, hosts))
    stays_out = hosts["host1"].files[INTERFACES][0]
    revive(hosts)

    assert failed == ["host1"]
    assert "    bridge_ports none\n" in stays_out
    assert asyncio.run(run(scenario.new, undisturbed)) == []
    assert asyncio.run(run(scenario.new, hosts)) == []
    assert "    bridge_ports br0\n" in hosts["host1"].files[INTERFACES][0]
    assert states(hosts) == states(undisturbed)


def test_a_host_that_was_confirmed_before_ctrl_c_is_told_as_such() -> None:
    confirmed = Answer(3, confirmed_line(RUN, ()), "no run waits to be confirmed")
    another = Answer(3, confirmed_line(replace(RUN, id="r0"), ()), "no run waits to be confirmed")

    assert told(confirmed, RUN) == "this run is already confirmed there"
    assert told(another, RUN) == "it is as it was before this run"


def test_a_host_in_a_tree_that_had_no_guard_has_none_when_it_goes_back() -> None:
    """As an earlier version left it: then its bridge does as it likes again, and is not left without any flow."""
    mesh = mesh_of(3, fabric=TREE)
    scenario = Scenario("applied", mesh, with_network(mesh))
    hosts = scenario.hosts()
    for path in (FLOWS, GUARD, FLOWS_UNIT_FILE):
        del hosts["host1"].files[path]
    del hosts["host1"].units[FLOWS_UNIT]
    hosts["host1"].flows = FakeFlows()
    old = hosts["host1"].state()
    hosts["host1"].fails = lambda request: Answer(1) if "docker network create" in str(request) else None

    failed = asyncio.run(run(scenario.new, hosts))

    assert failed == ["host1"]
    assert hosts["host1"].flows.flows == {"priority=0,actions=NORMAL"}
    assert hosts["host1"].state() == old
