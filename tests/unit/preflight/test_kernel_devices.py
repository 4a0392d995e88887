"""What preflight says where tunnels are the kernel's devices."""

from ipaddress import IPv4Address

from dockmesh.facts.types import LinuxLink
from dockmesh.model.mesh import Datapath, TunnelDevices
from dockmesh.model.tunnel import Tunnel
from dockmesh.model.vxlan import VxlanDevice
from dockmesh.preflight.types import Check, Evidence, Level
from tests.unit.preflight import worlds

PLAN = worlds.plan(datapath=Datapath.NETDEV, tunnel=Tunnel.VXLAN, tunnel_devices=TunnelDevices.KERNEL)
READY = worlds.ready(PLAN)
DEVICE = PLAN.host("host2").tunnels[0].device
THEIRS = IPv4Address("198.51.100.7")


def with_device(device: VxlanDevice, name: str = "theirs") -> Evidence:
    links = READY.hosts["host2"].facts.links
    link = LinuxLink(name, 1450, up=True, mac="", kind="vxlan", vxlan=device)
    return worlds.with_facts(
        worlds.with_around(READY, "host2", udp_ports=frozenset({device.port})), "host2", links=(*links, link)
    )


def test_a_kernel_that_makes_vxlan_devices_is_fine_without_any_bridge() -> None:
    assert worlds.trouble(PLAN, READY) == []


def test_a_kernel_that_makes_none_is_a_blocker() -> None:
    finding = worlds.only(PLAN, worlds.with_around(READY, "host2", makes_vxlan=False))

    assert (finding.check, finding.level, finding.hosts) == (Check.DATAPATH, Level.BLOCKER, ("host2",))
    assert "its kernel makes none" in finding.what
    assert "modprobe vxlan" in str(finding.do)


def test_somebody_elses_device_with_one_of_our_vnis_is_a_blocker_and_the_key_moves_them() -> None:
    assert DEVICE is not None

    finding = worlds.only(PLAN, with_device(VxlanDevice(DEVICE.vni, None, THEIRS)))

    assert (finding.check, finding.level, finding.hosts) == (Check.TUNNEL, Level.BLOCKER, ("host2",))
    assert f"theirs, which has VNI {DEVICE.vni}" in finding.what
    assert "another `key`" in str(finding.do)


def test_one_that_takes_every_vni_of_the_port_is_a_blocker() -> None:
    finding = worlds.only(PLAN, with_device(VxlanDevice(0, None, None, external=True)))

    assert (finding.check, finding.level) == (Check.TUNNEL, Level.BLOCKER)
    assert "takes all that comes to UDP port 4789" in finding.what


def test_one_with_another_vni_or_another_port_shares_the_kernels_socket() -> None:
    assert DEVICE is not None

    for device in (VxlanDevice(9_999, None, THEIRS), VxlanDevice(DEVICE.vni, None, THEIRS, port=8472)):
        assert worlds.trouble(PLAN, with_device(device)) == []


def test_a_port_that_no_device_has_is_somebody_elses() -> None:
    finding = worlds.only(PLAN, worlds.with_around(READY, "host2", udp_ports=frozenset({4789})))

    assert (finding.check, finding.level) == (Check.TUNNEL, Level.BLOCKER)
    assert "UDP port 4789 is used already, and by no VXLAN device" in finding.what


def test_the_network_managers_are_asked_about_the_devices_too() -> None:
    everything = (("/etc/systemd/network/all.network", "[Match]\nName=*\n[Network]\nDHCP=yes\n"),)
    active = {"ActiveState": "active"}
    units = {"systemd-networkd.service": active}

    networkd = worlds.only(PLAN, worlds.with_around(READY, "host2", units=units, network_files=everything))
    ours = (("/etc/systemd/network/00.network", "[Match]\nName=docker0 br0 dmt-*\n[Link]\nUnmanaged=yes\n"),)
    kept = worlds.with_around(READY, "host2", units=units, network_files=ours + everything)
    manager = worlds.with_around(
        READY, "host2", units={"NetworkManager.service": active}, managed={"dmt-vxlan1": "connected"}
    )

    assert "takes br0, docker0, dmt-vxlan1, dmt-vxlan2 and dmt-sink for its own" in networkd.what
    assert "`Name=docker0 br0 dmt-*`" in str(networkd.do)
    assert worlds.trouble(PLAN, kept) == []
    assert "dmt-vxlan1 (connected)" in worlds.only(PLAN, manager).what
