"""What a change costs two hosts that stay, and the link between them, with the kernel's datapath."""

from collections.abc import Iterator

import pytest

from tests.lab.mesh import Mesh
from tests.lab.quiet import Watched, watched
from tests.lab.quiet_changes import (
    Edit,
    assert_costs_what_was_predicted,
    bfd_changed,
    host_added,
    host_removed,
    network_added,
    network_removed,
    renamed,
    renderer_changed,
)
from tests.lab_vm.conftest import wait_for_tunnels

HOSTS = ("host1", "host2")
# In an order in which each begins where the one before it ends.
CHANGES: dict[str, Edit] = {
    "a network added": network_added,
    "a host renamed": renamed,
    "and called as before": renamed,
    "BFD's times changed": bfd_changed,
    "the renderer changed": renderer_changed,
    "a network removed": network_removed,
    "a host removed": host_removed("host3"),
    "a host added": host_added("host3"),
}


@pytest.fixture(scope="module")
def pings(mesh: Mesh) -> Iterator[Watched]:
    wait_for_tunnels(mesh)
    with watched(mesh, HOSTS) as running:
        yield running


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_costs_hosts_that_stay_what_was_predicted(mesh: Mesh, pings: Watched, change: str) -> None:
    assert_costs_what_was_predicted((CHANGES[change], [frozenset(HOSTS)]), mesh, pings, HOSTS, change)
