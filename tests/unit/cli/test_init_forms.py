"""Which form of a mesh `init` writes, by what the hosts said."""

import sys
from ipaddress import IPv4Address, IPv4Network

import pytest

from dockmesh.cli.work.init import _choice, _encryption, _fabric
from dockmesh.cli.work.new_hosts import Found
from dockmesh.errors import UsageError
from dockmesh.model.encryption import Encryption, EncryptionChoice, HostEndpoint
from dockmesh.model.mesh import Datapath
from dockmesh.model.tunnel import Tunnel

PRIVATE, PUBLIC = IPv4Address("10.0.0.1"), IPv4Address("9.9.9.9")


def found(
    *, kernel_datapath: bool = False, in_bridge: bool = False, makes_vxlan: bool = True, underlay: IPv4Address = PRIVATE
) -> Found:
    return Found(underlay, 1500, kernel_datapath, in_bridge, makes_vxlan)


def taking(*networks: str) -> Found:
    return Found(PRIVATE, 1500, True, taken=tuple(map(IPv4Network, networks)))


@pytest.mark.parametrize(
    ("hosts", "datapath", "kernel"),
    [
        ([found(kernel_datapath=True)] * 2, Datapath.SYSTEM, False),
        ([found()] * 2, Datapath.NETDEV, True),
        ([found(in_bridge=True)] * 2, Datapath.NETDEV, False),
        ([found(in_bridge=True), found()], Datapath.NETDEV, True),
        ([found(kernel_datapath=True), found()], Datapath.NETDEV, True),
        ([found(), found(makes_vxlan=False)], Datapath.NETDEV, False),
    ],
)
def test_tunnels_are_the_kernels_where_open_vswitch_could_send_none(
    hosts: list[Found], datapath: Datapath, kernel: bool
) -> None:
    fabric = _fabric(hosts, None)

    assert (fabric.datapath, fabric.kernel_devices) == (datapath, kernel)
    assert fabric.tunnel is (Tunnel.VXLAN if kernel else Tunnel.GRE)


@pytest.mark.parametrize(
    ("host", "kernel"), [(found(kernel_datapath=True), False), (found(in_bridge=True), True), (found(), True)]
)
def test_what_is_encrypted_goes_by_the_kernels_devices_where_the_datapath_is_in_userspace(
    host: Found, *, kernel: bool
) -> None:
    fabric = _fabric([host] * 2, Encryption())

    assert (fabric.encryption, fabric.kernel_devices) == (Encryption(), kernel)


@pytest.mark.parametrize(
    ("host", "asked", "encrypted"),
    [
        (found(underlay=PUBLIC), None, True),
        (found(underlay=PUBLIC), EncryptionChoice.OFF, False),
        (found(), EncryptionChoice.WIREGUARD, True),
        (found(), EncryptionChoice.OFF, False),
        (Found(PRIVATE, 1500, True, endpoint=HostEndpoint()), None, True),
    ],
)
def test_what_others_could_read_is_encrypted_and_else_what_was_asked_for(
    host: Found, asked: EncryptionChoice | None, *, encrypted: bool
) -> None:
    assert _choice([host, found()], asked, json=False) is encrypted


@pytest.mark.parametrize("json", [False, True])
def test_between_private_addresses_a_person_says_it_and_where_nobody_can_be_asked_that_is_an_error(
    *, json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: json, raising=False)

    with pytest.raises(UsageError, match="nobody can be asked whether to encrypt") as refused:
        _choice([found()] * 2, None, json=json)

    assert "--encryption off" in str(refused.value)


@pytest.mark.parametrize(
    ("hosts", "prefix", "chosen"),
    [
        ([taking("10.0.0.0/24")], "172.17.0.0/16", "198.18.0.0/16"),
        ([taking("0.0.0.0/0")], "172.17.0.0/16", "198.18.0.0/16"),
        ([taking(), taking("198.18.4.0/24")], "172.17.0.0/16", "198.19.0.0/16"),
        ([taking("198.18.0.0/15")], "172.17.0.0/16", "10.255.0.0/16"),
        ([taking("198.18.0.0/15", "10.255.7.1/32")], "172.17.0.0/16", "10.254.0.0/16"),
        ([taking("198.18.0.0/15", "10.0.0.0/8")], "172.31.0.0/16", "172.30.0.0/16"),
    ],
)
def test_the_prefix_of_the_encryption_is_one_that_no_host_has_a_route_to(
    hosts: list[Found], prefix: str, chosen: str
) -> None:
    assert _encryption(hosts, IPv4Network(prefix)).prefix == IPv4Network(chosen)


def test_where_all_ranges_are_taken_the_file_is_not_written() -> None:
    hosts = [taking("198.18.0.0/15", "10.0.0.0/8", "172.0.0.0/8")]

    with pytest.raises(UsageError, match="routes to all ranges"):
        _encryption(hosts, IPv4Network("192.168.0.0/16"))
