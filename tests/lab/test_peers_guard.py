"""`guard: peers` in a clear mesh: the kernel's tunnels take nothing of machines that are no host of it."""

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.forged import BFDS_OWN, SENT, dropped, taken
from tests.lab.mesh import DOCKMESH, Mesh, run, wait_until
from tests.lab.quiet_changes import settled

pytestmark = pytest.mark.long

TABLE = "inet dockmesh_peers"
CHAIN = f"nft list chain {TABLE} in"


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    """host1 and host2 in the mesh; host3 is on their network and not in it."""
    made = make_mesh("--prepared", "--underlay", "device", hosts=3)
    mesh = Mesh(made.directory, made.hosts[:2])
    mesh.file.unlink()
    words = ("--encryption", "off", "--file", str(mesh.file), "--ssh-config", str(mesh.ssh_config))
    assert run(*DOCKMESH, "init", *mesh.hosts, *words).code == 0
    mesh.apply()
    passes(mesh)
    return mesh


def passes(mesh: Mesh) -> None:
    wait_until(lambda: settled(mesh, mesh.hosts), "all tunnels are up")
    mesh.wait_for_mesh()


def test_without_it_frames_of_a_stranger_come_in_and_with_it_none_and_it_goes_again(mesh: Mesh) -> None:
    without = taken(mesh, "host3")
    mesh.edit("  renderer: ", "  guard: peers\n  renderer: ")
    changed = mesh.apply()["changed"]
    passes(mesh)
    kept = taken(mesh, "host3")
    counted = dropped(mesh, TABLE)
    again = mesh.apply()["changed"]
    verified = mesh.dockmesh("verify").code

    mesh.on("host1", "nft flush ruleset")
    wait_until(lambda: mesh.ssh("host1", CHAIN).code == 0, "the rules are back")
    after_flush, counted_again = taken(mesh, "host3"), dropped(mesh, TABLE)
    mesh.edit("  guard: peers\n", "")
    mesh.apply()

    assert (changed, again, verified) == (True, False, 0)
    assert without >= 0.99 * SENT  # else the test proves nothing
    assert (kept < BFDS_OWN, counted) == (True, SENT)
    assert (after_flush < BFDS_OWN, counted_again) == (True, SENT)
    assert mesh.ssh("host1", CHAIN).code != 0
    assert taken(mesh, "host3") >= 0.99 * SENT


def test_with_it_after_a_boot_and_nothing_is_left_at_the_end(mesh: Mesh) -> None:
    mesh.edit("  renderer: ", "  guard: peers\n  renderer: ")
    mesh.apply()
    mesh.lab("reboot", "host1")
    passes(mesh)
    after_boot = taken(mesh, "host3")

    assert mesh.dockmesh("destroy", "--yes").code == 0
    assert after_boot < BFDS_OWN
    assert all("dockmesh" not in mesh.on(host, "nft list tables") for host in mesh.hosts)
