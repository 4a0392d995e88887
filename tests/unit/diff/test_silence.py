"""What a change is said to cost pairs of hosts whose link stays; tests/lab/test_quiet_changes.py measures it."""

from dataclasses import replace

import pytest

from dockmesh.diff.host import diff
from dockmesh.diff.silence import DEVICES_MS, proof_silence_ms, silence_ms
from dockmesh.model.mesh import Bfd, Datapath, Fabric, Forwarding, Mesh, Ring
from tests.support.fake_host import applied, installed
from tests.support.meshes import KERNEL, mesh_of, with_network, without
from tests.support.plans import config_of

USERSPACE, IN_KERNEL = Fabric(datapath=Datapath.NETDEV), (Fabric(datapath=Datapath.SYSTEM), KERNEL)


def mesh(**settings: object) -> Mesh:
    fabric = Fabric(forwarding=Forwarding.DIRECT, datapath=Datapath.NETDEV)
    return mesh_of(4, fabric=replace(fabric, **settings))  # type: ignore[arg-type]


CHANGES = {
    "nothing": (mesh(), 0),
    "a host removed": (without(mesh(), "host4"), 0),
    "another topology": (mesh(topology=Ring()), 0),
    "BFD's times": (mesh(bfd=Bfd(interval_ms=200)), 0),
    "a network": (with_network(mesh()), DEVICES_MS),
    "forwarding": (mesh(forwarding=Forwarding.RSTP), DEVICES_MS),
}


@pytest.mark.parametrize("change", CHANGES)
def test_devices_that_come_or_go_cost_something_with_the_datapath_in_userspace(change: str) -> None:
    wanted, expected_ms = CHANGES[change]
    before, after = config_of(mesh()), config_of(wanted)
    old, new = applied(before).facts(after.flows), applied(after).facts(before.flows)
    made, undone = diff(after, old), diff(before, new)

    assert silence_ms(made, old, USERSPACE) == silence_ms(undone, new, USERSPACE) == expected_ms
    assert [silence_ms(made, old, fabric) for fabric in IN_KERNEL] == [0, 0]


def test_the_proof_starts_containers() -> None:
    config = config_of(mesh())
    facts = [applied(config).facts(config.flows), installed(config).facts(config.flows)]

    assert proof_silence_ms(facts, USERSPACE) == DEVICES_MS
    assert [proof_silence_ms(facts, fabric) for fabric in IN_KERNEL] == [0, 0]


def test_hosts_that_are_no_mesh_yet_lose_nothing() -> None:
    config = config_of(mesh())
    facts = installed(config).facts(config.flows)

    assert silence_ms(diff(config, facts), facts, USERSPACE) == 0
    assert proof_silence_ms([facts], USERSPACE) == 0
