"""Both renderers on a real kernel: what they write has the mesh at each boot."""

import pytest

from tests.lab.mesh import Mesh
from tests.lab_vm.conftest import on_all, wait_for_containers

RENDERERS = ("systemd", "ifupdown")


@pytest.mark.parametrize("renderer", RENDERERS)
def test_mesh_survives_reboots_of_all_hosts(mesh: Mesh, renderer: str) -> None:
    text = mesh.file.read_text()
    for other in RENDERERS:
        text = text.replace(f"renderer: {other}", f"renderer: {renderer}")
    mesh.file.write_text(text)
    mesh.apply()

    on_all(mesh, lambda host: mesh.lab("reboot", host))

    wait_for_containers(mesh)
    for host in mesh.hosts:
        assert mesh.on(host, "cat /sys/class/net/docker0/mtu /sys/class/net/br0/mtu") == "1462\n1462"
        assert "master docker0" in mesh.on(host, "ip -oneline link show br0")
        assert mesh.on(host, "systemctl --failed --no-legend") == ""
    assert not mesh.apply()["changed"]
