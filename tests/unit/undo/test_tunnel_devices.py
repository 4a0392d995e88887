"""Tunnels that are the kernel's devices, where a run is rolled back and where a mesh ends."""

import asyncio
from dataclasses import replace

import pytest

from dockmesh.diff.types import StepName
from dockmesh.model.mesh import TunnelDevices
from dockmesh.undo.destroy import Leftovers, destroy
from tests.support.fake_host import FakeHost, applied
from tests.support.meshes import KERNEL, mesh_of
from tests.support.plans import config_of
from tests.unit.undo.test_rollback import DiedError, Scenario, dies_at, revive, run, states

MESH = mesh_of(3, fabric=KERNEL)
OVS = mesh_of(3, fabric=replace(KERNEL, tunnel_devices=TunnelDevices.OPENVSWITCH))
SCENARIOS = {
    "devices come": Scenario("applied", OVS, MESH),
    "devices are made again": Scenario("applied", MESH, mesh_of(3, fabric=replace(KERNEL, key=9))),
}


@pytest.mark.parametrize("part", [3, 5, 7, 9])
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_that_died_leaves_the_devices_of_before_and_their_ports_hear_them(name: str, part: int) -> None:
    scenario = SCENARIOS[name]
    undisturbed, before = scenario.hosts(), states(scenario.hosts())
    assert asyncio.run(run(scenario.new, undisturbed)) == []
    hosts, total = scenario.hosts(), sum(len(host.asked) for host in undisturbed.values())
    dies_at(hosts, total * part // 10, DiedError)

    with pytest.raises(DiedError):
        asyncio.run(run(scenario.new, hosts))
    revive(hosts)
    for host in hosts.values():
        host.wait_out()

    after = states(undisturbed)
    assert all(state in (before[name], after[name]) for name, state in states(hosts).items())
    assert all(device.taken_up for host in hosts.values() for device in host.devices.values() if device.kind == "vxlan")


def ended(host: FakeHost) -> FakeHost:
    step = destroy(config_of(MESH), host.facts(), Leftovers()).step(StepName.UNMAKE_FABRIC)
    assert step is not None
    assert all(answer.ok for answer in asyncio.run(host.ask(*step.requests)))
    return host


def test_the_end_of_a_mesh_takes_its_devices() -> None:
    host = ended(applied(config_of(MESH)))

    assert not [name for name in host.devices if name.startswith("dmt-")]


def test_it_takes_those_too_whose_port_or_alias_is_gone() -> None:
    host = applied(config_of(MESH))
    assert host.ovs is not None
    del host.ovs.bridges["br0"].ports["dmt-vxlan1"]
    host.devices["dmt-vxlan2"].alias = None

    ended(host)

    assert not [name for name in host.devices if name.startswith("dmt-")]
