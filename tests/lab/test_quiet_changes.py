"""What a change costs hosts that stay and the links between them: nothing, or what was predicted.

With the default settings. One round of every kind of change here; twenty of each in the long test.
"""

from collections.abc import Iterator
from itertools import combinations

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import Mesh, wait_until
from tests.lab.quiet import Watched, watched
from tests.lab.quiet_changes import (
    Change,
    assert_as_predicted,
    assert_costs_what_was_predicted,
    bfd_changed,
    grown_to_a_full_mesh,
    host_added,
    host_removed,
    network_added,
    network_removed,
    renamed,
    renderer_changed,
    settled,
    shrunk_to_a_ring,
)

HOSTS = ("host1", "host2", "host3")
ROUNDS = 20
# Of a ring of four, those between hosts that are there all the time.
IN_THE_RING = [frozenset(("host1", "host2")), frozenset(("host2", "host3"))]
ALL = [frozenset(pair) for pair in combinations(HOSTS, 2)]


@pytest.fixture(scope="module")
def mesh(make_mesh: MakeMesh) -> Mesh:
    """host1 to host3 in a full mesh as `init` writes it, with a container each; host4 is prepared and not in it."""
    made = make_mesh("--prepared", hosts=4, forwarding=None)
    mesh = Mesh(made.directory, HOSTS)
    mesh.file.unlink()
    assert mesh.dockmesh("init", *HOSTS).code == 0
    mesh.apply()
    mesh.wait_for_mesh()
    for name in HOSTS:
        mesh.start_container(name)
    mesh.wait_for_containers()
    wait_until(lambda: settled(mesh, HOSTS), "all tunnels are up")
    return mesh


@pytest.fixture(scope="module")
def pings(mesh: Mesh) -> Iterator[Watched]:
    with watched(mesh, HOSTS) as running:
        yield running


# In an order in which each begins where the one before it ends; and between which hosts there is a link all the time.
CHANGES: dict[str, Change] = {
    "a host added": (host_added("host4"), ALL),
    "a topology with fewer links": (shrunk_to_a_ring, IN_THE_RING),
    "a topology grown": (grown_to_a_full_mesh, IN_THE_RING),
    "a network added": (network_added, ALL),
    "a host renamed": (renamed, ALL),
    "BFD's times changed": (bfd_changed, ALL),
    "the renderer changed": (renderer_changed, ALL),
    "a network removed": (network_removed, ALL),
    "a host removed": (host_removed("host4"), ALL),
}


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
