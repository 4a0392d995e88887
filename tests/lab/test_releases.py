"""Debian's old and next release, and hosts of three releases in one mesh: the whole way, with the defaults."""

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import Mesh

MIXED = "host1=bookworm,host2=trixie,host3=forky"
SWITCH = {"bookworm": "3.1", "trixie": "3.5", "forky": "4.0"}


@pytest.fixture(
    scope="module",
    params=[pytest.param("bookworm", marks=pytest.mark.long), pytest.param("forky", marks=pytest.mark.long), MIXED],
)
def world(request: pytest.FixtureRequest, make_mesh: MakeMesh) -> Mesh:
    """Bare hosts become a proven mesh by `init` and `apply`."""
    mesh = make_mesh("--release", request.param)
    mesh.file.unlink()
    done = mesh.dockmesh("init", *mesh.hosts, "--encryption", "off")
    assert done.code == 0, done.err
    applied = mesh.dockmesh("apply", "--yes", "--json")
    assert applied.code == 0, applied.err + applied.out
    mesh.on_all(lambda host: mesh.on(host, "apt-get install --yes --quiet busybox-static"))
    mesh.on_all(lambda host: mesh.start_container(host, "web", "--restart always"))
    return mesh


def release_of(mesh: Mesh, host: str) -> str:
    return mesh.on(host, ". /etc/os-release; echo $VERSION_CODENAME")


def test_each_host_has_the_release_that_was_named_and_its_open_vswitch(world: Mesh) -> None:
    for host in world.hosts:
        assert f" {SWITCH[release_of(world, host)]}." in world.on(host, "ovs-vsctl --version")


def test_containers_reach_each_other_and_every_probe_passes(world: Mesh) -> None:
    world.wait_for_containers()

    world.assert_proven()


def test_a_second_apply_touches_nothing(world: Mesh) -> None:
    assert not world.apply()["changed"]


def test_a_cut_link_is_gone_round(world: Mesh) -> None:
    world.lab("cut", "host1", "host2")

    world.wait_for_containers()

    world.lab("heal")


def test_the_mesh_is_there_again_after_a_power_cut_of_all(world: Mesh) -> None:
    for host in world.hosts:
        world.lab("crash", host)
    for host in world.hosts:
        world.lab("start", host)

    world.wait_for_containers()
    assert not world.apply()["changed"]


@pytest.mark.long
def test_verify_finds_a_stopped_switch_and_apply_starts_it(world: Mesh) -> None:
    world.on("host2", "systemctl stop openvswitch-switch ovs-vswitchd")

    assert world.dockmesh("verify").code == 1

    world.apply()
    world.assert_proven()


def test_destroy_takes_the_mesh_away(world: Mesh) -> None:
    done = world.dockmesh("destroy", "--yes")

    assert done.code == 0, done.err
    for host in world.hosts:
        assert world.ssh(host, "ovs-vsctl br-exists br0").code == 2
        assert world.ssh(host, "test -e /etc/dockmesh || test -e /var/lib/dockmesh").code == 1


@pytest.mark.long
def test_a_spanning_tree_with_open_vswitch_4_0_is_refused_and_direct_helps(make_mesh: MakeMesh) -> None:
    """On bare hosts, too: which version comes is known when it is there, and then nothing of the mesh is made."""
    mesh = make_mesh("--release", "forky", hosts=2, forwarding="rstp")

    first, again = (mesh.dockmesh("apply", "--yes") for _ in range(2))

    for done in (first, again):
        assert done.code == 1
        assert "Open vSwitch 4.0.0 floods nothing to a host while a spanning tree is on" in done.err
        assert "set `forwarding: direct` in the file and run `dockmesh apply`" in done.err
        assert "probes" not in done.out, "what no host has become is not measured"
    assert mesh.ssh("host1", "ovs-vsctl br-exists br0").code == 2
    mesh.choose("forwarding", "direct")
    mesh.apply()
    mesh.assert_proven()
