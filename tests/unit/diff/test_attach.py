"""Attached interfaces on a host: what comes, what is mended, what goes as it was, and what is never taken."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from dockmesh.diff.host import diff
from dockmesh.diff.types import HostDiff, StepName
from dockmesh.errors import ConflictError, HostError
from dockmesh.model.mesh import Datapath, Fabric
from dockmesh.model.network import Attachment
from dockmesh.render.paths import FLOWS
from dockmesh.render.types import HostConfig
from dockmesh.undo.destroy import Leftovers, destroy
from tests.support.fake_host import Device, FakeHost, applied
from tests.support.fake_ovs import Bridge, Port
from tests.support.meshes import mesh_of, with_attachment, with_network
from tests.support.plans import config_of

MESH = with_network(mesh_of(3))
WITHOUT = config_of(MESH)
BOTH = with_attachment(with_attachment(MESH, "docker0"), "blue", Attachment("host1", "eth1", 30))
CONFIG = config_of(BOTH)
OTHER = config_of(with_attachment(MESH, "blue", Attachment("host1", "eth2", 30)))
DOWN = Device(mac="02:00:00:00:00:02", up=False)


def of(host: FakeHost, config: HostConfig = CONFIG) -> HostDiff:
    return diff(config, host.facts(config.flows))


def texts(found: HostDiff) -> list[str]:
    return [change.text() for change in found.changes]


def requests(found: HostDiff, name: StepName) -> list[str]:
    step = found.step(name)
    return [] if step is None else [str(request) for request in step.requests]


def carry_out(host: FakeHost, found: HostDiff) -> None:
    for step in found.steps:
        for request in step.requests:
            assert host.answer(request).ok, request


def new(device: Device = DOWN, name: str = "eth1") -> FakeHost:
    """A host of the mesh before anything was attached."""
    host = applied(WITHOUT)
    host.devices[name] = replace(device)
    return host


def test_an_interface_that_is_as_planned_needs_nothing() -> None:
    assert of(applied(CONFIG)).changes == ()


def test_a_host_without_one_gets_another_guard_and_nothing_more() -> None:
    found = of(applied(config_of(MESH, "host2")), config_of(BOTH, "host2"))

    assert [str(change.subject) for change in found.changes] == [FLOWS, "br0 flows"]


def test_an_interface_comes_into_a_bridge_of_its_own_with_a_patch_for_each_network() -> None:
    found = of(new())

    transaction = requests(found, StepName.FABRIC)[0]
    for words in (
        "--may-exist add-br dma-eth1",
        "--may-exist add-port dma-eth1 eth1",
        "--may-exist add-port br0 dmo-docker0",
        "--may-exist add-port br0 dmo-blue",
        "set port dmo-docker0 vlan_mode=access tag=0",
        "set port dmj-docker0 vlan_mode=access tag=0",
        "set port dmo-blue vlan_mode=access tag=20",
        "set port dmj-blue vlan_mode=access tag=30",
        "set bridge dma-eth1 external_ids:dockmesh-was=down",
    ):
        assert words in transaction
    assert "interface eth1: attached to docker0, blue (VLAN 30)" in texts(found)
    assert not any("docker network" in text for step in found.steps for text in map(str, step.requests))


def test_what_apply_made_is_as_planned_and_stays_so() -> None:
    host = new()
    carry_out(host, of(host))

    assert of(host).changes == ()
    carry_out(host, of(host))
    assert of(host).changes == ()


@pytest.mark.parametrize("up", [True, False])
def test_what_the_file_has_no_more_goes_and_the_interface_is_as_it_was(up: bool) -> None:
    host = new(replace(DOWN, up=up))
    carry_out(host, of(host))
    host.devices["eth1"].up = True  # as the unit makes it

    found = of(host, WITHOUT)
    carry_out(host, found)

    assert requests(found, StepName.LEAVE) == [
        "systemctl stop dockmesh-attach.service",
        "ovs-vsctl --retry --timeout=20 -- --if-exists del-port br0 dmo-blue -- --if-exists del-port br0 dmo-docker0 "
        "-- --if-exists del-br dma-eth1",
        *([] if up else ["ip link set dev eth1 down"]),
    ]
    assert host.devices["eth1"].up is up
    assert of(host, WITHOUT).changes == ()
    assert not any(path.startswith("/etc/dockmesh/attach") for path in host.files)


def test_another_interface_takes_its_place() -> None:
    host = new()
    carry_out(host, of(host))
    host.devices["eth1"].up = True
    host.devices["eth2"] = Device(mac="02:00:00:00:00:03")

    carry_out(host, of(host, OTHER))

    assert not host.devices["eth1"].up
    assert of(host, OTHER).changes == ()
    assert host.units["dockmesh-attach.service"]["ActiveState"] == "active"


def test_one_network_less_leaves_the_other() -> None:
    host = new()
    carry_out(host, of(host))
    one = config_of(with_attachment(MESH, "docker0"))

    found = of(host, one)
    carry_out(host, found)

    assert "patch dmj-blue: for blue goes" in texts(found)
    assert "dma-eth1" in (host.ovs.bridges if host.ovs else {})
    assert of(host, one).changes == ()


def test_destroy_leaves_it_as_it_was() -> None:
    host = new()
    carry_out(host, of(host))
    host.devices["eth1"].up = True

    found = destroy(CONFIG, host.facts(CONFIG.flows), Leftovers())
    carry_out(host, found)

    assert "interface eth1: attached goes" in texts(found)
    assert not host.devices["eth1"].up
    assert host.ovs is not None
    assert not host.ovs.bridges


TAKEN: dict[str, tuple[Device, str]] = {
    "underlay": (replace(DOWN, addresses=[f"{CONFIG.underlay}/24"]), "has the underlay address 10.77.0.1"),
    "an address": (replace(DOWN, addresses=["192.168.1.5/24"]), "has addresses of this host: 192.168.1.5/24"),
    "one of IPv6": (replace(DOWN, addresses=["2001:db8::5/64"]), "has addresses of this host: 2001:db8::5/64"),
    "in a bond": (replace(DOWN, master="bond0"), "is a member of bond0"),
}


@pytest.mark.parametrize("why", TAKEN)
def test_what_a_host_uses_itself_is_never_taken(why: str) -> None:
    device, text = TAKEN[why]

    with pytest.raises(ConflictError, match=text) as error:
        of(new(device))

    assert error.value.report.now == "nothing was changed on this host"
    assert "eth1.30" in (error.value.report.do or "")


def test_one_that_is_the_meshs_already_stays_so_when_somebody_gives_it_an_address() -> None:
    """The userspace datapath leaves the kernel what comes in, and so an announcement of a router's out there."""
    host = applied(CONFIG)
    host.devices["eth1"].addresses = ["2001:db8::5/64"]

    assert of(host).changes == ()


def test_what_a_device_of_the_host_is_on_is_never_taken() -> None:
    host = new()
    host.devices["eth1.7"] = Device(kind="vlan", parent="eth1", addresses=["192.168.7.5/24"])

    with pytest.raises(ConflictError, match=r"has devices of this host on it: eth1\.7"):
        of(host)


def test_a_port_of_another_switch_is_never_taken() -> None:
    host = new()
    host.answer_with_ovs({"br-ops": Bridge(ports={"br-ops": Port(), "eth1": Port()})})

    with pytest.raises(ConflictError, match="is a port of the Open vSwitch bridge br-ops"):
        of(host)


def test_an_interface_that_never_was_there_is_an_error() -> None:
    with pytest.raises(HostError, match="has no interface eth1, which the file attaches to docker0 and blue") as error:
        of(applied(WITHOUT))

    assert "eth0" in (error.value.report.answered or "")


def test_one_that_was_there_and_is_not_now_is_no_difference() -> None:
    host = applied(CONFIG)
    del host.devices["eth1"]

    assert of(host).changes == ()


def test_another_datapath_keeps_what_it_was_before() -> None:
    netdev = config_of(replace(BOTH, fabric=Fabric(datapath=Datapath.NETDEV, forwarding=BOTH.fabric.forwarding)))
    host = new()
    carry_out(host, of(host))
    host.devices["eth1"].up = True
    host.answer_with_ovs({"br-phy": Bridge({"datapath_type": "netdev"}, {"br-phy": Port(), "eth0": Port()})})
    host.devices["br-phy"] = host.devices.pop("eth0")

    carry_out(host, of(host, netdev))

    facts = host.facts(netdev.flows)
    switch = facts.bridge("dma-eth1")
    assert switch is not None
    assert switch.external_ids["dockmesh-was"] == "down"


HARMS: dict[str, tuple[Callable[[FakeHost], object], str]] = {
    "it is pulled out": (
        lambda host: bridge(host, "dma-eth1").ports.pop("eth1"),
        "interface eth1: attached to docker0, blue (VLAN 30)",
    ),
    "an access port": (
        lambda host: bridge(host, "dma-eth1").ports["eth1"].port.update(vlan_mode="access"),
        "eth1 vlan_mode: access → trunk",
    ),
    "another tag": (
        lambda host: bridge(host, "dma-eth1").ports["dmj-blue"].port.update(tag="31"),
        "dmj-blue tag: 31 → 30",
    ),
    "the patch is gone": (lambda host: bridge(host, "br0").ports.pop("dmo-blue"), "patch dmo-blue: for blue"),
    "nobody keeps it up": (
        lambda host: host.units["dockmesh-attach.service"].update(ActiveState="inactive"),
        "dockmesh-attach.service: inactive → active",
    ),
}


def bridge(host: FakeHost, name: str) -> Bridge:
    assert host.ovs is not None
    return host.ovs.bridges[name]


@pytest.mark.parametrize("harm", HARMS)
def test_what_somebody_changed_is_seen_and_mended(harm: str) -> None:
    do, text = HARMS[harm]
    host = applied(CONFIG)
    do(host)

    found = of(host)
    carry_out(host, found)

    assert text in texts(found)
    assert of(host).changes == ()
