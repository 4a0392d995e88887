"""What tests/lab/test_forged.py tries, on the distribution's own kernel: its datapath, and its nftables."""

from collections.abc import Iterator

import pytest

from tests.lab.mesh import Mesh
from tests.lab.test_forged import BRIDGES, EAR, FROM, announced, assert_none_comes_through, populate, without_rules
from tests.lab.test_networks import network


@pytest.fixture(scope="module", params=["gre", "vxlan"])
def peopled(mesh: Mesh, request: pytest.FixtureRequest) -> Iterator[Mesh]:
    """`inner` is taken off first: Docker recreates no network, for another MTU, under a container."""
    if request.param == "gre":
        network(mesh, "add", "vault", "--internal", "--hosts", "host1,host2")
    mesh.choose("tunnel", request.param)
    mesh.apply()
    populate(mesh)
    yield mesh
    mesh.on_all(lambda host: mesh.on(host, f"docker rm --force {EAR}"))
    mesh.on(FROM, f"docker rm --force {' '.join(BRIDGES)} && docker network rm beside")


def test_this_kernel_knows_the_bridge_of_a_port(peopled: Mesh) -> None:
    said = peopled.on(FROM, "journalctl --boot --unit dockmesh-ports --output cat")

    assert "cannot do" not in said
    assert "meta ibrname" in peopled.on(FROM, "nft list chain bridge dockmesh containers")


def test_no_container_puts_a_frame_into_the_fabric(peopled: Mesh) -> None:
    assert_none_comes_through(peopled)


def test_a_container_that_begins_as_its_bridge_is_not_heard_by_those_beside_it(peopled: Mesh) -> None:
    kept = announced(peopled, 3)
    with without_rules(peopled):
        without = announced(peopled, 1)

    assert (kept, without) == (0, 2)
