"""Both renderers on a real kernel: what they write has the mesh at each boot."""

import pytest

from tests.lab.mesh import Mesh


@pytest.mark.parametrize("renderer", ["systemd", "ifupdown"])
def test_mesh_survives_reboots_of_all_hosts(mesh: Mesh, renderer: str) -> None:
    mesh.choose("renderer", renderer)
    mesh.apply()

    mesh.on_all(lambda host: mesh.lab("reboot", host))

    mesh.wait_for_containers()
    for host in mesh.hosts:
        assert mesh.on(host, "cat /sys/class/net/docker0/mtu /sys/class/net/br0/mtu") == "1462\n1462"
        assert "master docker0" in mesh.on(host, "ip -oneline link show br0")
        assert mesh.on(host, "systemctl --failed --no-legend") == ""
    assert not mesh.apply()["changed"]
