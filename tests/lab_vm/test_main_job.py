"""From bare servers with the distribution's kernel to containers that ping each other, and back after a power cut."""

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import Mesh


@pytest.fixture(scope="module")
def applied(make_mesh: MakeMesh) -> Mesh:
    """As a person does it: a file by `init`, an apply that installs, containers."""
    bare = make_mesh()
    bare.file.unlink()
    done = bare.dockmesh("init", *bare.hosts, "--encryption", "off")
    assert done.code == 0, done.err
    bare.apply()

    def start(host: str) -> None:
        bare.on(host, "apt-get install --yes --quiet busybox-static")
        bare.start_container(host, "web", "--restart always")

    bare.on_all(start)
    return bare


def test_init_chooses_the_kernel_datapath(applied: Mesh) -> None:
    assert "datapath: system" in applied.file.read_text()
    for host in applied.hosts:
        assert applied.on(host, "ovs-appctl dpctl/show").startswith("system@ovs-system")


def test_containers_of_all_hosts_ping_each_other(applied: Mesh) -> None:
    applied.wait_for_containers()


def test_second_apply_touches_nothing(applied: Mesh) -> None:
    assert not applied.apply()["changed"]


def test_all_hosts_come_back_from_a_power_cut(applied: Mesh) -> None:
    applied.on_all(lambda host: applied.on(host, "sync"))
    applied.on_all(lambda host: applied.lab("crash", host))
    applied.on_all(lambda host: applied.lab("start", host))

    applied.wait_for_containers()
    assert not applied.apply()["changed"]


def test_destroy_leaves_nothing_of_ours(applied: Mesh) -> None:
    applied.on_all(lambda host: applied.on(host, "docker rm --force web"))

    done = applied.dockmesh("destroy", "--yes")

    assert done.code == 0, done.err
    for host in applied.hosts:
        assert "br0" not in applied.on(host, "ovs-vsctl list-br; ip -oneline link")
        assert applied.ssh(host, "ls /etc/dockmesh /etc/systemd/system/dockmesh.service").code != 0
    applied.down()
