from ipaddress import IPv4Network
from pathlib import Path

import pytest

from dockmesh.lab.mesh_file import mesh_file_text
from dockmesh.lab.model import Lab, UnderlayPlace, make_hosts
from dockmesh.meshfile.load import parse
from dockmesh.model.mesh import Datapath


@pytest.mark.parametrize(
    ("datapath", "place", "kernel"),
    [
        (Datapath.NETDEV, UnderlayPlace.BRIDGE, False),
        (Datapath.NETDEV, UnderlayPlace.DEVICE, True),
        (Datapath.SYSTEM, UnderlayPlace.DEVICE, False),
    ],
)
def test_tunnels_are_the_kernels_where_they_could_be_no_others(
    tmp_path: Path, datapath: Datapath, place: UnderlayPlace, kernel: bool
) -> None:
    lab = Lab("one", tmp_path, False, datapath, {}, make_hosts(tmp_path, 2, {}), place=place)

    mesh = parse("file", mesh_file_text(lab, IPv4Network("172.17.0.0/16")).encode())

    assert (mesh.fabric.datapath, mesh.fabric.kernel_devices) == (datapath, kernel)
