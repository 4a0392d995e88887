"""Hosts of a lab that are behind a NAT: where they are, and what of them stands in files."""

from pathlib import Path

import pytest

from dockmesh.errors import LabError
from dockmesh.lab import store
from dockmesh.lab.mesh_file import mesh_file_text
from dockmesh.lab.model import HostKind, Lab, UnderlayPlace, make_hosts
from dockmesh.lab.ssh import ssh_config_text
from dockmesh.lab.up import DEFAULT_PREFIX, UpOptions, _check_nats
from dockmesh.meshfile.load import parse
from dockmesh.model.encryption import Encryption, HostEndpoint
from dockmesh.model.mesh import Datapath


def lab(directory: Path) -> Lab:
    hosts = make_hosts(directory, 3, {}, nats=("host2", "host3"))
    return Lab("one", directory, False, Datapath.NETDEV, {}, hosts, place=UnderlayPlace.DEVICE)


def test_hidden_hosts_have_the_same_address_and_their_routers_those_of_the_lab(tmp_path: Path) -> None:
    made = lab(tmp_path)

    assert [str(made.address_of(host)) for host in made.hosts[1:]] == ["192.168.77.2", "192.168.77.2"]
    assert [int(host.address) & 0xFF for host in made.hosts] == [11, 12, 13]
    assert made.hidden_mac_of(made.hosts[1]) not in {made.mac_of(host) for host in made.hosts}


def test_they_are_reached_beside_their_routers_as_by_a_jump_host(tmp_path: Path) -> None:
    made = lab(tmp_path)

    _, entry = ssh_config_text(made).split("Host host2 ")
    entry = entry.partition("\nHost ")[0]

    assert "    HostName 192.168.77.2\n    HostKeyAlias host2\n" in entry
    assert f"nsenter --net=/run/netns/{made.mark}-host2-nat nc" in entry


def test_the_mesh_of_such_a_lab_is_encrypted_and_names_whose_place_is_learned(tmp_path: Path) -> None:
    mesh = parse("mesh.yaml", mesh_file_text(lab(tmp_path), DEFAULT_PREFIX).encode())

    assert mesh.fabric.encryption == Encryption()
    assert [host.endpoint for host in mesh.hosts] == [None, HostEndpoint(), HostEndpoint()]


def test_what_is_written_down_of_them_is_read_again(tmp_path: Path) -> None:
    made = lab(tmp_path)
    store.save(made)

    assert store.load(tmp_path).hosts == made.hosts


@pytest.mark.parametrize(
    ("nats", "words"), [(("host9",), "a NAT is wanted for host9"), (("host1", "host2"), "none would find another")]
)
def test_a_nat_for_nobody_or_for_all_is_refused(tmp_path: Path, nats: tuple[str, ...], words: str) -> None:
    with pytest.raises(LabError, match=words):
        make_hosts(tmp_path, 2, {}, nats=nats)


@pytest.mark.parametrize(
    ("opts", "words"),
    [
        (UpOptions("one", Path("x"), kind=HostKind.VM, nats=("host2",)), "virtual machines has no NAT"),
        (UpOptions("one", Path("x"), ipv6=True, nats=("host2",)), "an IPv6 underlay has no NAT"),
        (UpOptions("one", Path("x"), place=UnderlayPlace.BRIDGE, nats=("host2",)), "behind a NAT is encrypted"),
    ],
)
def test_a_lab_that_cannot_have_one_is_refused(opts: UpOptions, words: str) -> None:
    with pytest.raises(LabError, match=words):
        _check_nats(opts)
