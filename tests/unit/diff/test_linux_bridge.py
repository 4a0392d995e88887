"""The Linux bridge of a network is compared and set right the same way, whichever network it is of."""

import pytest

from dockmesh.diff.linux_bridge import differing, set_right
from dockmesh.plan.types import HostNetwork
from tests.support.fake_host import FakeHost, applied
from tests.support.meshes import mesh_of, with_network
from tests.support.plans import config_of

CONFIG = config_of(with_network(mesh_of(3)))
EACH = pytest.mark.parametrize("network", CONFIG.networks, ids=lambda network: network.name)


def wrong(host: FakeHost, network: HostNetwork) -> dict[str, str | None]:
    return {str(each.subject): actual for each, actual in differing(network, host.facts(CONFIG.flows))}


@EACH
def test_one_that_is_as_planned_has_nothing_that_differs(network: HostNetwork) -> None:
    assert wrong(applied(CONFIG), network) == {}


@EACH
def test_one_that_is_gone_leaves_its_member_where_it_is(network: HostNetwork) -> None:
    host = applied(CONFIG)
    del host.devices[network.bridge]
    host.devices[network.switch].master = None

    assert wrong(host, network) == {network.bridge: None, network.switch: None}
    assert str(set_right(CONFIG, network, host.facts(CONFIG.flows))[0]).startswith(f"ip link add name {network.bridge}")


@EACH
def test_all_that_the_kernel_knows_of_one_is_compared(network: HostNetwork) -> None:
    host = applied(CONFIG)
    bridge, member = host.devices[network.bridge], host.devices[network.switch]
    bridge.mtu, bridge.mac, bridge.up, bridge.addresses, bridge.stp = 1300, "02:00:00:00:00:09", False, [], True
    member.mtu, member.up = 1300, False

    assert wrong(host, network) == {
        f"{network.bridge} MTU": "1300",
        f"{network.bridge} MAC address": "02:00:00:00:00:09",
        f"{network.bridge} state": "down",
        f"{network.bridge} spanning tree": "on",
        f"{network.bridge} address": None,
        f"{network.switch} MTU": "1300",
        network.switch: f"in {network.bridge}, down",
    }


@EACH
def test_an_address_that_docker_takes_away_itself_is_not_taken_away_before(network: HostNetwork) -> None:
    host = applied(CONFIG)
    host.devices[network.bridge].addresses = [f"{network.prefix[77]}/{network.prefix.prefixlen}"]
    facts = host.facts(CONFIG.flows)

    words = [str(request) for request in set_right(CONFIG, network, facts, restarts=True)]
    assert [word for word in map(str, set_right(CONFIG, network, facts)) if word not in words] == [
        f"ip address flush dev {network.bridge} to {network.prefix[77]}/32"
    ]
