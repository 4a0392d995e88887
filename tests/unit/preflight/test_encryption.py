"""What preflight says of a host that is to encrypt."""

from ipaddress import IPv4Interface, IPv4Network

from dockmesh.facts.types import LinuxLink
from dockmesh.model.encryption import Encryption
from dockmesh.model.mesh import Datapath, TunnelDevices
from dockmesh.model.tunnel import Tunnel
from dockmesh.preflight.types import Check, Evidence, Level, Route
from tests.unit.preflight import worlds

PLAN = worlds.plan(
    datapath=Datapath.NETDEV, tunnel=Tunnel.VXLAN, tunnel_devices=TunnelDevices.KERNEL, encryption=Encryption()
)
READY = worlds.ready(PLAN)
PORT = 51820


def with_link(link: LinuxLink, ports: frozenset[int] = frozenset()) -> Evidence:
    links = READY.hosts["host2"].facts.links
    return worlds.with_facts(worlds.with_around(READY, "host2", udp_ports=ports), "host2", links=(*links, link))


def test_a_host_with_nothing_in_the_way_is_fine_and_so_is_one_with_our_own_device() -> None:
    ours = LinuxLink(
        "dmw-1", 1440, up=True, mac="", alias="dockmesh=prod", addresses=(IPv4Interface("198.18.42.2/32"),)
    )

    assert worlds.trouble(PLAN, READY) == []
    assert worlds.trouble(PLAN, with_link(ours, frozenset({PORT}))) == []


def test_a_port_that_another_vpn_has_is_a_blocker_and_another_one_is_advised() -> None:
    finding = worlds.only(PLAN, with_link(LinuxLink("wg0", 1420, up=True, mac="", kind="wireguard"), frozenset({PORT})))

    assert (finding.check, finding.level) == (Check.TUNNEL, Level.BLOCKER)
    assert "its UDP port 51820 is used already, by wg0" in finding.what
    assert "port: 51821" in str(finding.do)


def test_somebody_elses_device_of_that_name_is_a_blocker() -> None:
    finding = worlds.only(PLAN, with_link(LinuxLink("dmw-1", 1420, up=True, mac="", alias="dockmesh=other")))

    assert finding.level is Level.BLOCKER
    assert "a device dmw-1 that dockmesh did not make" in finding.what


def test_an_address_in_the_prefix_of_the_encryption_is_a_blocker() -> None:
    link = LinuxLink("eth1", 1500, up=True, mac="", addresses=(IPv4Interface("198.18.7.1/24"),))

    finding = worlds.only(PLAN, with_link(link))

    assert finding.level is Level.BLOCKER
    assert "eth1 has 198.18.7.1/24, which is in the prefix of the encryption, 198.18.0.0/16" in finding.what


def test_a_route_into_the_prefix_of_the_encryption_is_a_blocker_but_not_ours() -> None:
    ours = (Route(IPv4Network("198.18.0.0/16"), "dmw-1"), Route(IPv4Network("198.18.0.0/16"), ""))
    theirs = Route(IPv4Network("198.18.9.0/24"), "tun0")

    finding = worlds.only(PLAN, worlds.with_around(READY, "host2", routes=(*ours, theirs)))

    assert finding.level is Level.BLOCKER
    assert "198.18.9.0/24 leads to tun0" in finding.what
