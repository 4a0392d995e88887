"""Both renderers, by apply and by hand: hosts booted with what they rendered have the mesh."""

from pathlib import Path

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import Mesh, run


def reboot_all(mesh: Mesh) -> None:
    for host in mesh.hosts:
        mesh.lab("reboot", host)
    mesh.wait_for_mesh()


def assert_right_after_boot(mesh: Mesh) -> None:
    for host in mesh.hosts:
        assert mesh.on(host, "cat /sys/class/net/docker0/mtu /sys/class/net/br0/mtu") == "1462\n1462"
        assert "master docker0" in mesh.on(host, "ip -oneline link show br0")
        assert mesh.on(host, "systemctl is-active docker.service") == "active"
        assert mesh.on(host, "systemctl --failed --no-legend") == ""


# The main job shows it of the default.
@pytest.mark.parametrize(
    ("renderer", "forwarding"),
    [
        ("ifupdown", "direct"),
        pytest.param("systemd", "rstp", marks=pytest.mark.long),
        pytest.param("ifupdown", "rstp", marks=pytest.mark.long),
    ],
)
def test_applied_mesh_survives_reboots(make_mesh: MakeMesh, renderer: str, forwarding: str) -> None:
    mesh = make_mesh("--prepared", forwarding=forwarding)
    mesh.choose("renderer", renderer)
    mesh.apply()
    mesh.wait_for_mesh()

    reboot_all(mesh)

    assert_right_after_boot(mesh)
    assert not mesh.apply()["changed"]
    mesh.lab("down")


# As docs/howto/by-hand.md says.
ALL = "dockmesh-flows.service dockmesh-ports.service dockmesh-names.service"
UNITS = {"systemd": f"dockmesh.service {ALL}", "ifupdown": ALL}


@pytest.mark.long
@pytest.mark.parametrize("renderer", ["systemd", "ifupdown"])
def test_rendered_files_installed_by_hand_make_the_mesh_at_boot(
    make_mesh: MakeMesh, renderer: str, tmp_path: Path
) -> None:
    mesh = make_mesh("--prepared")
    mesh.edit("renderer: systemd", f"renderer: {renderer}")
    assert mesh.dockmesh("render", "-o", str(tmp_path)).code == 0

    for host in mesh.hosts:
        packed = run("tar", "-C", str(tmp_path / host), "-cf", str(tmp_path / f"{host}.tar"), ".")
        assert packed.code == 0
        copied = run("scp", "-F", str(mesh.ssh_config), str(tmp_path / f"{host}.tar"), f"{host}:/root/files.tar")
        assert copied.code == 0, copied.err
        mesh.on(host, "tar --no-same-owner -C / -xf /root/files.tar")
        mesh.on(host, f"systemctl enable {UNITS[renderer]}")
    reboot_all(mesh)

    assert_right_after_boot(mesh)
    mesh.lab("down")


@pytest.mark.long
def test_docker_starts_without_the_mesh_when_the_mesh_cannot_come_up(make_mesh: MakeMesh) -> None:
    mesh = make_mesh("--prepared", hosts=2)
    mesh.apply()
    mesh.on("host1", "chmod -x /usr/sbin/ovs-vswitchd")

    mesh.lab("reboot", "host1")

    assert mesh.on("host1", "systemctl is-active docker.service") == "active"
    assert mesh.on("host1", "systemctl is-failed dockmesh.service || true") != "active"
    mesh.lab("down")


@pytest.mark.long
def test_change_of_the_renderer_leaves_nothing_of_the_other(make_mesh: MakeMesh) -> None:
    mesh = make_mesh("--prepared", hosts=2)
    mesh.apply()
    mesh.edit("renderer: systemd", "renderer: ifupdown")

    mesh.apply()
    mesh.lab("reboot", "host1")

    assert mesh.ssh("host1", "ls /etc/dockmesh/up /etc/systemd/system/dockmesh.service").code != 0
    assert "Managed by dockmesh" in mesh.on("host1", "cat /etc/network/interfaces.d/dockmesh")
    mesh.wait_for_mesh()
    mesh.lab("down")
