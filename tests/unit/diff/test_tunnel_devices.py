"""What differs of tunnels that are the kernel's devices, and that what is asked for puts it right."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from dockmesh.diff.adopt import adopt
from dockmesh.diff.host import diff
from dockmesh.diff.types import HostDiff, StepName
from dockmesh.errors import ConflictError
from dockmesh.model.mesh import TunnelDevices
from dockmesh.plan.build import build
from dockmesh.render.host import render
from dockmesh.render.paths import FLOWS
from dockmesh.render.types import HostConfig
from tests.support.fake_host import Device, FakeHost, applied, bare
from tests.support.meshes import KERNEL, mesh_of, without
from tests.support.plans import config_of

MESH = mesh_of(3, fabric=KERNEL)
CONFIG = config_of(MESH)
NAME = "dmt-vxlan1"


def of(host: FakeHost, config: HostConfig = CONFIG) -> HostDiff:
    return diff(config, host.facts(config.flows))


def texts(found: HostDiff) -> list[str]:
    return [change.text() for change in found.changes]


def carried_out(host: FakeHost, config: HostConfig = CONFIG) -> HostDiff:
    """What is left to do after the step of the fabric."""
    step = of(host, config).step(StepName.FABRIC)
    assert step is not None
    for answer in asyncio.run(host.ask(*step.requests)):
        assert answer.ok, answer.err
    return of(host, config)


def change(**values: object) -> Callable[[FakeHost], None]:
    def harm(host: FakeHost) -> None:
        for key, value in values.items():
            setattr(host.devices[NAME], key, value)

    return harm


def told(**values: object) -> Callable[[FakeHost], None]:
    return lambda host: (host.devices[NAME].vxlan or {}).update(values)


HARMS: dict[str, tuple[Callable[[FakeHost], object], str]] = {
    "deleted": (lambda host: host.devices.pop(NAME), "dmt-vxlan1 device: VNI 3, from 10.77.0.1 to 10.77.0.2"),
    "another remote": (told(remote="10.77.0.9"), "from 10.77.0.1 to 10.77.0.9 → VNI 3, from 10.77.0.1 to 10.77.0.2"),
    "another local": (told(local="10.77.0.9"), "from 10.77.0.9 to 10.77.0.2 → "),
    "another VNI": (told(id=77), "VNI 77, from 10.77.0.1 to 10.77.0.2 → VNI 3"),
    "another port": (told(port=8472), "UDP port 8472 → "),
    "it learns": (told(learning=True), "learning → "),
    "without DF": (told(df="unset"), "without DF → "),
    "another MTU": (change(mtu=1400), "dmt-vxlan1 MTU: 1400 → 1450"),
    "GRO on": (change(gro=True), "dmt-vxlan1 generic receive offload: on → off"),
    "down": (change(up=False), "dmt-vxlan1 state: down → up"),
    "no alias": (change(alias=None), "dmt-vxlan1 alias: none → dockmesh=prod"),
    "out of the bridge": (change(master=None), "dmt-vxlan1 bridge: none → dmt-sink"),
    "the bridge is up": (lambda host: setattr(host.devices["dmt-sink"], "up", True), "dmt-sink: up → down"),
    "no bridge": (lambda host: host.answer_delete("dmt-sink"), "dmt-sink: down"),
    "another kind of device": (change(kind="dummy", vxlan=None), "dmt-vxlan1 device: dummy → VNI 3"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_what_somebody_does_to_a_device_is_seen_and_mended(harm: str) -> None:
    host = applied(CONFIG)
    does, words = HARMS[harm]
    does(host)

    found, after = of(host), carried_out(host)

    assert any(words in text for text in texts(found)), texts(found)
    assert texts(after) == []
    assert host.devices[NAME].taken_up


def test_as_planned_there_is_nothing_to_do() -> None:
    assert texts(of(applied(CONFIG))) == []


def test_a_port_goes_and_comes_in_two_transactions_around_a_new_device() -> None:
    host = applied(CONFIG)
    del host.devices[NAME]

    step = of(host).step(StepName.FABRIC)

    assert step is not None
    lines = [str(request) for request in step.requests]
    gone = next(place for place, line in enumerate(lines) if f"del-port br0 {NAME}" in line)
    made = next(place for place, line in enumerate(lines) if f"ip link add name {NAME}" in line)
    added = next(place for place, line in enumerate(lines) if f"add-port br0 {NAME}" in line)
    assert gone < made < added
    assert "add-port" not in lines[gone]


def test_a_new_host_gets_the_bridge_its_devices_and_then_their_ports() -> None:
    host = bare(CONFIG)
    host.programs |= {"ovs-vsctl", "ethtool"}
    host.answer_with_ovs({})
    host.files[FLOWS] = next((file.text, file.mode) for file in CONFIG.files if file.path == FLOWS)

    carried_out(host)

    assert {name for name in host.devices if name.startswith("dmt-")} == {"dmt-sink", NAME, "dmt-vxlan2"}
    assert (host.devices[NAME].gro, host.devices[NAME].up, host.devices[NAME].master) == (False, True, "dmt-sink")
    assert not host.devices["dmt-sink"].up


def test_an_underlay_address_on_the_card_is_no_obstacle() -> None:
    host = bare(CONFIG)
    host.programs.add("ovs-vsctl")
    host.answer_with_ovs({})

    assert of(host).step(StepName.FABRIC) is not None


def test_ethtool_is_installed_where_it_is_not_there() -> None:
    install = of(bare(CONFIG)).step(StepName.INSTALL)

    assert install is not None
    assert "ethtool" in install.packages


def test_a_host_that_goes_takes_its_device_with_it() -> None:
    host, left = applied(CONFIG), without(MESH, "host3")
    plan = build(left)
    config = render(plan, adopt(plan.host("host1"), host.facts()))

    assert any("dmt-vxlan2: to 10.77.0.3 goes" in text for text in texts(of(host, config)))
    carried_out(host, config)

    assert {name for name in host.devices if name.startswith("dmt-")} == {"dmt-sink", NAME}


def test_a_living_device_keeps_its_name_by_where_it_leads() -> None:
    """host1 goes, so that others have other numbers in a fresh plan; and names of hosts are no matter."""
    config = config_of(MESH, "host3")
    host, left = applied(config), without(MESH, "host1")
    renamed = replace(left, hosts=tuple(replace(each, name=f"new-{each.name}") for each in left.hosts))

    adopted = adopt(build(renamed).host("new-host3"), host.facts())

    assert [end.port for end in adopted.tunnels] == ["dmt-vxlan2"]


def test_a_name_that_a_device_of_somebody_elses_has_is_left_to_it() -> None:
    host = bare(CONFIG)
    host.devices[NAME] = Device(kind="dummy")

    adopted = adopt(build(MESH).host("host1"), host.facts())

    assert [end.port for end in adopted.tunnels] == ["dmt-vxlan2", "dmt-vxlan3"]


def test_a_device_of_somebody_elses_with_one_of_our_vnis_is_a_conflict() -> None:
    host = applied(CONFIG)
    host.devices["theirs"] = Device(kind="vxlan", vxlan={"id": 3, "port": 4789, "remote": "198.51.100.7"})

    with pytest.raises(ConflictError, match="VXLAN device theirs, which has VNI 3 of UDP port 4789"):
        of(host)


def test_tunnels_of_open_vswitch_give_way_to_devices_and_come_back() -> None:
    ovs = config_of(mesh_of(3, fabric=replace(KERNEL, tunnel_devices=TunnelDevices.OPENVSWITCH)))
    host = applied(ovs)

    found = texts(of(host))
    left = texts(carried_out(host))
    back = texts(carried_out(host, ovs))

    assert any("dmt-vxlan1: to host2" in text for text in found)
    assert any("vxlan1: to 10.77.0.2 goes" in text for text in found)
    assert [text for text in left if "dmt-" in text] == []
    assert [text for text in back if "vxlan" in text] == []
    assert not [name for name in host.devices if name.startswith("dmt-")]
