"""What a change costs hosts that stay and the links between them: nothing, or what was predicted.

With the default settings. One round of every kind of change here; twenty of each in the long test.
"""

from collections.abc import Callable, Iterator
from itertools import combinations

import pytest

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import DOCKMESH, Mesh, run, wait_until
from tests.lab.quiet import Cost, Link, Watched, watched

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
    wait_until(lambda: settled(mesh), "all tunnels are up")
    return mesh


@pytest.fixture(scope="module")
def pings(mesh: Mesh) -> Iterator[Watched]:
    with watched(mesh, HOSTS) as running:
        yield running


def settled(mesh: Mesh) -> bool:
    show = "ovs-vsctl --bare --columns=bfd_status find interface bfd:enable=true"
    return all("state=up" in line for host in HOSTS for line in mesh.on(host, show).splitlines() if line)


def dockmesh(mesh: Mesh, *words: str) -> None:
    done = run(*DOCKMESH, *words, "-f", str(mesh.file))
    assert done.code == 0, done.err


def host_added(mesh: Mesh) -> None:
    dockmesh(mesh, "host", "add", "host4", "--ssh-config", str(mesh.ssh_config))


def host_removed(mesh: Mesh) -> None:
    dockmesh(mesh, "host", "remove", "host4")


def network_added(mesh: Mesh) -> None:
    dockmesh(mesh, "network", "add", "blue", "--prefix", "10.99.0.0/16")


def network_removed(mesh: Mesh) -> None:
    dockmesh(mesh, "network", "remove", "blue")


def renamed(mesh: Mesh) -> None:
    """host3, and another time back."""
    here = next(line for line in mesh.file.read_text().splitlines() if line.startswith(("  host3:", "  web3:")))
    there = here.replace("  host3:", "  web3:") if "  host3:" in here else here.replace("  web3:", "  host3:")
    if "ssh:" not in there:
        there = there.removesuffix("}") + ", ssh: {host: host3}}"
    mesh.edit(here, there)


def bfd_changed(mesh: Mesh) -> None:
    slow, fast = "interval_ms: 200", "interval_ms: 100"
    mesh.edit(*((fast, slow) if fast in mesh.file.read_text() else (slow, fast)))


def shrunk_to_a_ring(mesh: Mesh) -> None:
    mesh.choose("topology", "ring")


def grown_to_a_full_mesh(mesh: Mesh) -> None:
    mesh.choose("topology", "full-mesh")


def renderer_changed(mesh: Mesh) -> None:
    systemd, ifupdown = "renderer: systemd", "renderer: ifupdown"
    mesh.edit(*((systemd, ifupdown) if systemd in mesh.file.read_text() else (ifupdown, systemd)))


# In an order in which each begins where the one before it ends; and between which hosts there is a link all the time.
CHANGES: dict[str, tuple[Callable[[Mesh], None], list[Link]]] = {
    "a host added": (host_added, ALL),
    "a topology with fewer links": (shrunk_to_a_ring, IN_THE_RING),
    "a topology grown": (grown_to_a_full_mesh, IN_THE_RING),
    "a network added": (network_added, ALL),
    "a host renamed": (renamed, ALL),
    "BFD's times changed": (bfd_changed, ALL),
    "the renderer changed": (renderer_changed, ALL),
    "a network removed": (network_removed, ALL),
    "a host removed": (host_removed, ALL),
}


def cost_of(change: str, mesh: Mesh, pings: Watched) -> tuple[Cost, int]:
    """What it cost, and what was predicted, in ms."""
    edit, links = CHANGES[change]
    edit(mesh)
    answers = []
    cost = pings.cost(lambda: answers.append(mesh.apply()), links)
    wait_until(lambda: settled(mesh), "all tunnels are up")
    return cost, max(host["silence_ms"] for host in answers[0]["hosts"])


def assert_as_predicted(cost: Cost, predicted_ms: int, what: str) -> None:
    assert not cost.twice, (what, cost)
    assert cost.longest_ms <= predicted_ms, (what, cost)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_costs_hosts_that_stay_what_was_predicted(mesh: Mesh, pings: Watched, change: str) -> None:
    assert_as_predicted(*cost_of(change, mesh, pings), change)


def test_the_proof_costs_what_was_predicted(mesh: Mesh, pings: Watched) -> None:
    predicted_ms = mesh.apply()["proof_silence_ms"]

    assert_as_predicted(pings.cost(mesh.verify), predicted_ms, "the proof")


def test_the_guard_of_flows_kept_out_of_all_this(mesh: Mesh) -> None:
    for host in HOSTS:
        assert "put back" not in mesh.on(host, "journalctl --unit=dockmesh-flows --output=cat --no-pager")


@pytest.mark.long
@pytest.mark.parametrize(("number", "change"), [(number, each) for number in range(ROUNDS) for each in CHANGES])
def test_so_it_is_every_time(mesh: Mesh, pings: Watched, number: int, change: str) -> None:
    assert_as_predicted(*cost_of(change, mesh, pings), f"{change}, round {number}")
