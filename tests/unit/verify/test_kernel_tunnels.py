"""What verify says of tunnels that are the kernel's devices."""

from collections.abc import Callable

import pytest

from dockmesh.plan.build import build
from dockmesh.verify.tunnel import End, TunnelState, read_end
from tests.support.fake_host import FakeHost, applied
from tests.support.meshes import KERNEL, mesh_of
from tests.support.plans import config_of

MESH = mesh_of(3, fabric=KERNEL)
PLAN = build(MESH)
NAME = "dmt-vxlan1"
UP = {"state": "up", "forwarding": "true"}


def end(harm: Callable[[FakeHost], object] = lambda _: None) -> End:
    host = applied(config_of(MESH))
    assert host.ovs is not None
    host.ovs.bridges["br0"].ports[NAME].interface["bfd_status"] = dict(UP)
    harm(host)
    return read_end(PLAN, host.facts(), PLAN.host("host1").tunnels[0])


def told(**values: object) -> Callable[[FakeHost], object]:
    return lambda host: (host.devices[NAME].vxlan or {}).update(values)


def test_a_tunnel_as_planned_is_up() -> None:
    found = end()

    assert (found.state, found.port, found.wrong, found.hampers) == (TunnelState.UP, NAME, "", "")


def of_another_kind(host: FakeHost) -> None:
    host.devices[NAME].vxlan, host.devices[NAME].kind = None, "dummy"


@pytest.mark.parametrize(
    ("harm", "wrong"),
    [
        (lambda host: host.devices.pop(NAME), "its device is not there"),
        (told(remote="10.77.0.9"), "it leads to 10.77.0.9, not to 10.77.0.2"),
        (told(local="10.77.0.9"), "it sends from 10.77.0.9, not from 10.77.0.1"),
        (told(id=77), "its VNI is 77, not 3"),
        (told(learning=True), "its device is another than planned"),
        (lambda host: setattr(host.devices[NAME], "up", False), "its device is down"),
        (of_another_kind, "its device is dummy, not VXLAN's"),
    ],
)
def test_what_is_wrong_with_its_device_is_named(harm: Callable[[FakeHost], object], wrong: str) -> None:
    found = end(harm)

    assert found.state is TunnelState.BROKEN
    assert wrong in found.wrong


def test_a_port_without_its_device_and_one_that_is_missing_are_told_apart() -> None:
    def without(host: FakeHost) -> None:
        assert host.ovs is not None
        del host.ovs.bridges["br0"].ports[NAME]

    assert end(without).state is TunnelState.MISSING


def test_what_lets_only_a_part_through_is_no_failure_of_the_tunnel() -> None:
    small = end(lambda host: setattr(host.devices[NAME], "mtu", 1400))
    merging = end(lambda host: setattr(host.devices[NAME], "gro", True))

    assert (small.state, merging.state) == (TunnelState.UP, TunnelState.UP)
    assert small.hampers == "its device has MTU 1400, not 1450"
    assert merging.hampers == "generic receive offload is on at its device"
