"""The parsers against what real hosts answered; tests/cases/facts/record.py recorded it."""

from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

import pytest

from dockmesh.facts.gather import Inquiry
from dockmesh.facts.types import HostFacts, OvsInterface
from dockmesh.model.vxlan import VxlanDevice
from dockmesh.transport.requests import Answer
from tests.cases.facts.record import NAMES

FOLDER = Path(__file__).parents[2] / "cases" / "facts"


def recorded(host: str, old: str = "", new: str = "") -> HostFacts:
    """The facts of a host of the lab on which the mesh stands: Debian 13, Open vSwitch 3.5.0, Docker 26.1.5."""
    texts = [(FOLDER / host / name).read_text(encoding="utf-8").replace(old, new) for name in NAMES]
    return Inquiry().read(host, tuple(Answer(0, text) for text in texts))


def port(facts: HostFacts, name: str) -> OvsInterface:
    bridge = facts.bridge("br0")
    assert bridge is not None
    found = bridge.interface(name)
    assert found is not None
    return found


def test_docker0_is_read_with_all_that_matters() -> None:
    docker0 = recorded("debian13-host1").link("docker0")

    assert docker0 is not None
    assert (docker0.kind, docker0.mtu, docker0.up, docker0.stp) == ("bridge", 1462, True, False)
    assert docker0.mac == "02:42:ac:11:2a:01"
    assert docker0.addresses == (IPv4Interface("172.17.42.1/16"),)


def test_br0_is_a_member_of_docker0() -> None:
    br0 = recorded("debian13-host1").link("br0")

    assert br0 is not None
    assert (br0.master, br0.kind, br0.addresses) == ("docker0", "tun", ())


def test_links_stand_in_the_order_of_their_names() -> None:
    names = [link.name for link in recorded("debian13-host1").links]

    assert names == ["br-phy", "br0", "docker0", "eth0", "lo", "ovs-netdev"]


def test_a_device_that_is_down_is_read_as_down() -> None:
    tap = recorded("debian13-host1").link("ovs-netdev")

    assert tap is not None
    assert not tap.up


def test_the_fabric_is_read_with_its_settings() -> None:
    bridge = recorded("debian13-host1").bridge("br0")

    assert bridge is not None
    assert (bridge.datapath_type, bridge.rstp, bridge.stp, bridge.fail_mode) == ("netdev", True, False, None)
    assert bridge.external_ids == {"dockmesh": "prod"}
    assert bridge.other_config == {"hwaddr": "0e:6d:ac:11:2a:01", "rstp-priority": "4096"}
    assert [interface.name for interface in bridge.interfaces] == ["br0", "gre1", "gre2"]


def test_a_tunnel_is_read_with_its_settings_and_its_state() -> None:
    gre1 = port(recorded("debian13-host1"), "gre1")

    assert (gre1.type, gre1.options) == ("gre", {"remote_ip": "10.77.168.12"})
    assert gre1.bfd == {"enable": "true", "min_rx": "100", "min_tx": "100", "mult": "3"}
    assert gre1.bfd_status["state"] == "up"
    assert gre1.external_ids == {"dockmesh": "prod", "dockmesh-peer": "host2"}
    assert gre1.tree_status["rstp_port_state"] == "Forwarding"
    assert (gre1.error, gre1.tag, gre1.vlan_mode, gre1.mtu_request) == (None, None, None, None)


def test_the_local_port_is_read_with_its_vlan_and_its_mtu() -> None:
    local = port(recorded("debian13-host1"), "br0")

    assert (local.type, local.vlan_mode, local.tag, local.mtu_request) == ("internal", "access", 0, 1462)


def test_another_bridge_on_the_same_host_keeps_its_ports_to_itself() -> None:
    bridge = recorded("debian13-host1").bridge("br-phy")

    assert bridge is not None
    assert [interface.name for interface in bridge.interfaces] == ["br-phy", "eth0"]


@pytest.mark.parametrize(
    ("host", "pool"), [("debian13-host1", "172.17.64.0/18"), ("debian13-host2", "172.17.128.0/18")]
)
def test_docker_tells_what_it_uses(host: str, pool: str) -> None:
    docker = recorded(host).docker

    assert docker is not None
    assert (docker.version, docker.live_restore, docker.mtu) == ("26.1.5+dfsg1", False, 1462)
    assert (docker.prefix, docker.pool) == (IPv4Network("172.17.0.0/16"), IPv4Network(pool))
    assert (docker.default_bridge, docker.containers) == ("docker0", ())


@pytest.mark.parametrize("state", ["inactive", "failed"])
def test_a_stopped_switch_is_not_there_though_its_database_answers(state: str) -> None:
    runs = "Id=ovs-vswitchd.service\nLoadState=loaded\nActiveState=active"

    assert recorded("debian13-host1").ovs
    assert recorded("debian13-host1", runs, runs.replace("=active", f"={state}")).ovs is None


def test_units_programs_and_system_are_read() -> None:
    facts = recorded("debian13-host1")

    assert facts.system == "Debian GNU/Linux 13 (trixie)"
    assert facts.units["dockmesh.service"] == {
        "LoadState": "loaded",
        "ActiveState": "active",
        "UnitFileState": "enabled",
    }
    assert {"ovs-vsctl", "dockerd", "iptables", "apt-get"} <= facts.programs
    assert "brctl" not in facts.programs


def test_a_tunnel_that_is_a_device_of_the_kernels_is_read_with_all_that_makes_it() -> None:
    facts = recorded("debian13-kernel-devices")
    device, sink = facts.link("dmt-vxlan1"), facts.link("dmt-sink")

    assert device is not None
    assert device.vxlan == VxlanDevice(3, IPv4Address("10.77.55.11"), IPv4Address("10.77.55.12"))
    assert (device.alias, device.master, device.mtu, device.up) == ("dockmesh=kv", "dmt-sink", 1450, True)
    assert device.gro is False
    assert sink is not None
    assert not sink.up
    assert facts.remote_of(port(facts, "dmt-vxlan1")) == "10.77.55.12"
