"""What a change costs hosts that stay and the links between them: nothing, or what was predicted.

With the default settings. One round of every kind of change here; twenty of each in the long test.
"""

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

ROUNDS = 20


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    return mesh_and_a_spare(make_mesh)


@pytest.fixture(scope="module")
def pings(mesh: Mesh) -> Iterator[Watched]:
    with watched(mesh, HOSTS) as running:
        yield running


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_costs_hosts_that_stay_what_was_predicted(mesh: Mesh, pings: Watched, change: str) -> None:
    assert_costs_what_was_predicted(CHANGES[change], mesh, pings, HOSTS, change)


def test_the_proof_costs_what_was_predicted(mesh: Mesh, pings: Watched) -> None:
    predicted_ms = mesh.apply()["proof_silence_ms"]

    assert_as_predicted(pings.cost(mesh.verify), predicted_ms, "the proof")


def test_the_guard_of_flows_kept_out_of_all_this(mesh: Mesh) -> None:
    for host in HOSTS:
        assert "put back" not in mesh.on(host, "journalctl --unit=dockmesh-flows --output=cat --no-pager")


@pytest.mark.long
@pytest.mark.parametrize(("number", "change"), [(number, each) for number in range(ROUNDS) for each in CHANGES])
def test_so_it_is_every_time(mesh: Mesh, pings: Watched, number: int, change: str) -> None:
    assert_costs_what_was_predicted(CHANGES[change], mesh, pings, HOSTS, f"{change}, round {number}")
