from pathlib import Path

import pytest

from dockmesh.errors import LabError
from dockmesh.lab import store
from dockmesh.lab.model import Accelerator, HostKind, Lab, make_hosts
from dockmesh.model import Datapath


def test_a_lab_reads_as_it_was_written(tmp_path: Path) -> None:
    hosts = make_hosts(tmp_path, 2, {"host2": 1400})
    lab = Lab("x", tmp_path.resolve(), True, Datapath.SYSTEM, (Path("/a"), Path("/b")), Path("/p"), hosts)

    store.save(lab)

    assert store.load(tmp_path) == lab


def test_a_lab_of_virtual_machines_reads_as_it_was_written(tmp_path: Path) -> None:
    hosts, image = make_hosts(tmp_path, 1, {}), (Path("/a"),)
    directory, kind = tmp_path.resolve(), HostKind.VM
    lab = Lab("x", directory, True, Datapath.SYSTEM, image, Path("/p"), hosts, kind=kind, accelerator=Accelerator.TCG)

    store.save(lab)

    assert store.load(tmp_path) == lab


def test_no_lab_is_said_with_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="there is no lab in") as caught:
        store.load(tmp_path)

    assert "dockmesh lab up" in str(caught.value)
