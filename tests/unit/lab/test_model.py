from ipaddress import IPv4Address
from pathlib import Path

import pytest

from dockmesh.errors import LabError
from dockmesh.lab.model import Image, Lab, check_name, hash_of, make_hosts, mark_of
from dockmesh.lab.release import DEFAULT
from dockmesh.model.mesh import Datapath

HERE = Path("/srv/labs/one")


def make_lab(directory: Path = HERE, hosts: int = 3) -> Lab:
    return Lab(
        name="one",
        directory=directory,
        prepared=False,
        datapath=Datapath.NETDEV,
        images={DEFAULT: Image(Path("/cache/bare"), Path("/cache/packages"))},
        hosts=make_hosts(directory, hosts, {}),
    )


def test_the_directory_makes_the_lab() -> None:
    assert hash_of(HERE) == hash_of(Path("/srv/labs/two/../one"))
    assert hash_of(HERE) != hash_of(Path("/srv/labs/two"))


def test_marks_fit_into_the_names_of_namespaces_and_machines() -> None:
    lab = make_lab()

    assert lab.mark == mark_of(HERE)
    assert lab.netns_of(lab.hosts[0]) == f"{lab.mark}-host1"
    assert len(lab.mark) == len("dm-123456")


def test_hosts_are_numbered_from_eleven() -> None:
    hosts = make_hosts(HERE, 3, {"host2": 1400})

    assert [host.name for host in hosts] == ["host1", "host2", "host3"]
    assert [int(host.address) & 0xFF for host in hosts] == [11, 12, 13]
    assert [host.mtu for host in hosts] == [1500, 1400, 1500]
    assert all(str(host.address).startswith("10.77.") for host in hosts)


def test_more_hosts_move_none() -> None:
    assert make_hosts(HERE, 9, {})[:3] == make_hosts(HERE, 3, {})


@pytest.mark.parametrize("count", [0, 245])
def test_count_of_hosts_has_limits(count: int) -> None:
    with pytest.raises(LabError, match="a lab has 1 to 244 hosts"):
        make_hosts(HERE, count, {})


def test_mtu_of_an_unknown_host_is_refused() -> None:
    with pytest.raises(LabError, match="given for host7, but the hosts are host1 to host3"):
        make_hosts(HERE, 3, {"host7": 1400})


def test_every_host_has_a_mac_of_its_own() -> None:
    lab = make_lab(hosts=244)

    assert len({lab.mac_of(host) for host in lab.hosts}) == 244
    assert all(int(lab.mac_of(host)[:2], 16) & 3 == 2 for host in lab.hosts)  # local, unicast


def test_a_host_is_found_by_name_and_by_address() -> None:
    lab = make_lab()

    assert lab.host("host2") is lab.hosts[1]
    assert lab.host(str(lab.hosts[1].address)) is lab.hosts[1]
    with pytest.raises(LabError, match="lab one has no host host9"):
        lab.host("host9")


@pytest.mark.parametrize("name", ["", "..", "a/b", "Lab", "1st", "-x", "x-", "a" * 64])
def test_a_lab_has_a_name_that_a_mesh_can_have(name: str) -> None:
    check_name("lab-2")
    with pytest.raises(LabError, match="cannot be the name of a lab"):
        check_name(name)


def test_the_switch_is_none_of_the_hosts() -> None:
    lab = make_lab(hosts=244)

    assert lab.switch_address not in {host.address for host in lab.hosts}
    assert lab.subnet.broadcast_address not in {host.address for host in lab.hosts}
    assert isinstance(lab.switch_address, IPv4Address)
