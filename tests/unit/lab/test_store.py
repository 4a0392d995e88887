import json
from pathlib import Path

import pytest

from dockmesh.errors import LabError
from dockmesh.lab import store
from dockmesh.lab.model import Accelerator, HostKind, Image, Lab, UnderlayPlace, make_hosts
from dockmesh.lab.release import Release
from dockmesh.model.mesh import Datapath

IMAGES = {Release.FORKY: Image(Path("/a"), Path("/p")), Release.TRIXIE: Image(Path("/b"), Path("/q"))}


def test_a_lab_reads_as_it_was_written(tmp_path: Path) -> None:
    hosts = make_hosts(tmp_path, 2, {"host2": 1400}, {"host1": Release.FORKY})
    lab = Lab("x", tmp_path.resolve(), True, Datapath.SYSTEM, IMAGES, hosts)

    store.save(lab)

    assert store.load(tmp_path) == lab


def test_a_lab_of_virtual_machines_reads_as_it_was_written(tmp_path: Path) -> None:
    hosts = make_hosts(tmp_path, 1, {})
    directory, kind = tmp_path.resolve(), HostKind.VM
    lab = Lab("x", directory, True, Datapath.SYSTEM, IMAGES, hosts, kind=kind, accelerator=Accelerator.TCG)

    store.save(lab)

    assert store.load(tmp_path) == lab


def test_a_lab_of_0_1_0_reads_with_the_release_that_it_had(tmp_path: Path) -> None:
    record = {"name": "x", "prepared": True, "datapath": "netdev", "layers": ["/a"], "packages": "/p"}
    record["hosts"] = [{"name": "host1", "address": "10.77.1.11", "mtu": 1500}]
    (tmp_path / store.FILE).write_text(json.dumps(record))

    lab = store.load(tmp_path)

    assert lab.image_of(lab.hosts[0]) == Image(Path("/a"), Path("/p"))
    assert lab.hosts[0].release is Release.TRIXIE


def test_no_lab_is_said_with_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="there is no lab in") as caught:
        store.load(tmp_path)

    assert "dockmesh lab up" in str(caught.value)


def test_a_lab_whose_cards_keep_their_addresses_reads_as_it_was_written(tmp_path: Path) -> None:
    hosts = make_hosts(tmp_path.resolve(), 2, {})
    lab = Lab("x", tmp_path.resolve(), True, Datapath.NETDEV, IMAGES, hosts, place=UnderlayPlace.DEVICE)

    store.save(lab)

    assert store.load(tmp_path) == lab
    assert not lab.in_bridge
