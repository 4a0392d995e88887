"""What a contender is told, without a host."""

import json
from ipaddress import IPv4Interface
from pathlib import Path

import pytest

from bench.peers import docker
from bench.peers.contenders.known import CONTENDERS
from bench.peers.contenders.ovn import MTU as OVN_MTU
from bench.peers.site import Seat
from dockmesh.lab.mesh_file import mesh_file_text
from dockmesh.lab.model import Lab, make_hosts
from dockmesh.lab.up import DEFAULT_PREFIX
from dockmesh.model.mesh import Datapath
from dockmesh.transport.requests import Put


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    lab = Lab("bench", tmp_path, True, Datapath.NETDEV, {}, make_hosts(tmp_path, 3, {}))
    lab.mesh_file.write_text(mesh_file_text(lab, DEFAULT_PREFIX))
    return lab


@pytest.mark.parametrize("name", CONTENDERS)
def test_every_contender_says_who_it_is_and_what_dies(name: str, lab: Lab) -> None:
    about = CONTENDERS[name].about(lab)

    assert about.name == name
    assert about.datapath
    assert about.centre in ("host1", "host2")


def test_who_encrypts_is_said(lab: Lab) -> None:
    assert [name for name, each in CONTENDERS.items() if each.about(lab).encrypts] == ["tinc", "nebula"]


def test_mtu_of_ovn_is_that_of_its_manual() -> None:
    assert OVN_MTU == 1442


def test_a_container_is_entered_by_its_process() -> None:
    inspected = [{"State": {"Pid": 77}, "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.64.1"}}}}]

    seat = docker.read_container("host1", "bridge", json.dumps(inspected))

    assert seat == Seat("host1", "172.17.64.1", "bench", ("nsenter", "--net=/proc/77/ns/net"))


def test_docker_keeps_its_mtu_unless_told() -> None:
    put, _ = docker.settle(IPv4Interface("172.22.1.1/24"))

    assert isinstance(put, Put)
    assert json.loads(put.text) == {"bip": "172.22.1.1/24"}
