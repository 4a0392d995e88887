"""Attached interfaces in the status: what is not right about one, and what is warned of."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Interface

import pytest

from dockmesh.facts.types import LinuxLink
from dockmesh.plan.build import build
from dockmesh.status.drop_counters import LOOPED
from dockmesh.status.judge import judge
from dockmesh.status.types import Status
from tests.support.meshes import mesh_of, with_attachment, with_network
from tests.unit.status.worlds import NOW, World, well

MESH = with_attachment(with_network(mesh_of(3)))


def status(world: World) -> Status:
    return judge(build(MESH), world, {}, NOW)


def changed(**changes: object) -> World:
    """The world, with another eth1 at host1."""
    world = well(MESH)
    facts = world["host1"].facts
    links = tuple(replace(each, **changes) if each.name == "eth1" else each for each in facts.links)  # type: ignore[arg-type]
    return {**world, "host1": replace(world["host1"], facts=replace(facts, links=links))}


def with_links(more: LinuxLink | None) -> World:
    """With one device more at host1, or without eth1."""
    world = well(MESH)
    facts = world["host1"].facts
    links = (*facts.links, more) if more else tuple(each for each in facts.links if each.name != "eth1")
    return {**world, "host1": replace(world["host1"], facts=replace(facts, links=links))}


def with_dropped(dropped: Mapping[str, int]) -> World:
    world = well(MESH)
    return {**world, "host1": replace(world["host1"], drop_counters=dropped)}


def texts(found: Status) -> list[str]:
    return [each.what for each in found.findings]


def test_one_that_is_well_is_not_told_of() -> None:
    found = status(well(MESH))

    assert found.findings == ()
    assert found.warnings == ()


def test_one_that_is_not_there_is_told() -> None:
    (what,) = texts(status(with_links(None)))

    assert what == "eth1, attached to blue, is not there: who is behind it is cut off"


def test_one_that_is_down_is_told() -> None:
    (what,) = texts(status(changed(up=False)))

    assert what == "eth1, attached to blue, is down: who is behind it is cut off"


def test_one_with_a_small_mtu_is_warned_of() -> None:
    found = status(changed(mtu=1400))

    assert found.findings == ()
    assert [each.what for each in found.warnings] == [
        "eth1 has MTU 1400, less than the 1458 of blue: larger packets to what is behind it are lost, "
        "and nobody is told"
    ]


def test_one_that_got_an_address_is_warned_of() -> None:
    found = status(changed(addresses=(IPv4Interface("192.168.1.7/24"),)))

    assert found.findings == ()
    assert [each.what for each in found.warnings] == [
        "eth1, attached to blue, got an address of this host (192.168.1.7): it may answer out there past the mesh"
    ]


@pytest.mark.parametrize("name", ["eth2", "veth-lan"])
def test_a_device_that_somebody_put_into_the_networks_bridge_is_told(name: str) -> None:
    """On any host: where it leads to the same segment, no flow sees the loop."""
    (what,) = texts(status(with_links(LinuxLink(name, 1500, up=True, mac="", master="dm-blue"))))

    assert what.startswith(f"{name} is in dm-blue, and neither Docker nor dockmesh put it there")


def test_a_containers_device_there_is_none_of_anybodys() -> None:
    link = LinuxLink("veth01ab2cd", 1500, up=True, mac="", master="dm-blue", kind="veth")

    assert status(with_links(link)).findings == ()


def test_what_came_back_in_is_warned_of_with_its_reason() -> None:
    found = status(with_dropped({LOOPED: 1200}))

    (warning,) = found.warnings
    assert warning.hosts == ("host1",)
    assert warning.what.startswith("1,200 frames with addresses of the mesh came in by eth1, attached here")
    assert "there is a loop" in warning.what
