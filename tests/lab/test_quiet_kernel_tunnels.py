"""What a change costs hosts that stay where tunnels are the kernel's devices: nothing."""

from collections.abc import Iterator

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import Mesh
from tests.lab.quiet import Watched, watched
from tests.lab.quiet_changes import (
    CHANGES,
    HOSTS,
    assert_as_predicted,
    assert_costs_what_was_predicted,
    mesh_and_a_spare,
)

pytestmark = pytest.mark.long
ROUNDS = 3


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    return mesh_and_a_spare(make_mesh, "--underlay", "device")


@pytest.fixture(scope="module")
def pings(mesh: Mesh) -> Iterator[Watched]:
    with watched(mesh, HOSTS) as running:
        yield running


@pytest.mark.parametrize(("number", "change"), [(number, each) for number in range(ROUNDS) for each in CHANGES])
def test_a_change_costs_nothing(mesh: Mesh, pings: Watched, number: int, change: str) -> None:
    assert_costs_what_was_predicted(CHANGES[change], mesh, pings, HOSTS, f"{change}, round {number}")


def test_the_proof_costs_nothing(mesh: Mesh, pings: Watched) -> None:
    assert mesh.apply()["proof_silence_ms"] == 0
    assert_as_predicted(pings.cost(mesh.verify), 0, "the proof")
