"""No bridge of ours takes routes from router advertisements, from before it is up."""

import pytest

from dockmesh.diff.host import diff
from dockmesh.diff.types import HostDiff, StepName
from dockmesh.model.mesh import Fabric, Renderer
from dockmesh.render.paths import INTERFACES, UP
from dockmesh.render.types import HostConfig
from tests.support.fake_host import FakeHost, applied
from tests.support.meshes import mesh_of, with_network
from tests.support.plans import config_of

CONFIG = config_of(with_network(mesh_of(3)))
BRIDGES = {"docker0": StepName.ATTACH, "dm-blue": StepName.NETWORKS}


def of(host: FakeHost) -> HostDiff:
    return diff(CONFIG, host.facts(CONFIG.flows))


@pytest.mark.parametrize(("name", "step"), BRIDGES.items())
def test_a_bridge_that_heeds_routers_is_a_difference_and_is_told_not_to(name: str, step: StepName) -> None:
    host = applied(CONFIG)
    host.devices[name].accept_ra = 1

    (change,) = of(host).changes
    found = of(host).step(step)

    assert change.text() == f"{name} router advertisements: heeded → ignored"
    assert found is not None
    assert f"sysctl -q -e -w net/ipv6/conf/{name}/accept_ra=0" in map(str, found.requests)


def text_of(config: HostConfig, path: str) -> str:
    return next(file.text for file in config.files if file.path == path)


@pytest.mark.parametrize("name", BRIDGES)
def test_at_boot_it_ignores_them_before_it_is_up(name: str) -> None:
    text = text_of(CONFIG, UP)

    made, ignores, up = (
        text.index(words)
        for words in (
            f"ip link add name {name} type bridge",
            f"sysctl -q -e -w net/ipv6/conf/{name}/accept_ra=0",
            f"ip link set dev {name} up",
        )
    )
    assert made < ignores < up


@pytest.mark.parametrize("name", BRIDGES)
def test_with_ifupdown_it_does_so_before_its_first_address(name: str) -> None:
    text = text_of(config_of(with_network(mesh_of(3, fabric=Fabric(renderer=Renderer.IFUPDOWN)))), INTERFACES)
    lines = [line.strip() for line in text.split(f"iface {name} inet static\n")[1].split("\n\n")[0].splitlines()]

    assert [line for line in lines if line.startswith("pre-up")] == [
        f"pre-up ip link show dev {name} >/dev/null 2>&1 || ip link add name {name} type bridge",
        f"pre-up sysctl -q -e -w net/ipv6/conf/{name}/accept_ra=0",
    ]
