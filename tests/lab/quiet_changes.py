"""Changes of a living mesh, by kind, and what each costs hosts that stay."""

from collections.abc import Callable
from itertools import combinations

from tests.lab.conftest import MakeMesh
from tests.lab.mesh import DOCKMESH, Mesh, run, wait_until
from tests.lab.quiet import Cost, Link, Watched

Edit = Callable[[Mesh], None]
Change = tuple[Edit, list[Link]]  # with the links that are there all the time
HOSTS = ("host1", "host2", "host3")
# Of a ring of four, those between hosts that are there all the time.
IN_THE_RING = [frozenset(("host1", "host2")), frozenset(("host2", "host3"))]
ALL = [frozenset(pair) for pair in combinations(HOSTS, 2)]


def mesh_and_a_spare(make_mesh: MakeMesh, *options: str) -> Mesh:
    """host1 to host3 in a full mesh as `init` writes it, with a container each; host4 is prepared and not in it."""
    made = make_mesh("--prepared", *options, hosts=len(HOSTS) + 1)
    mesh = Mesh(made.directory, HOSTS)
    mesh.file.unlink()
    assert mesh.dockmesh("init", *HOSTS, "--encryption", "off").code == 0
    mesh.apply()
    mesh.wait_for_mesh()
    for name in HOSTS:
        mesh.start_container(name)
    mesh.wait_for_containers()
    wait_until(lambda: settled(mesh, HOSTS), "all tunnels are up")
    return mesh


def settled(mesh: Mesh, hosts: tuple[str, ...]) -> bool:
    show = "ovs-vsctl --bare --columns=bfd_status find interface bfd:enable=true"
    return all("state=up" in line for host in hosts for line in mesh.on(host, show).splitlines() if line)


def dockmesh(mesh: Mesh, *words: str) -> None:
    done = run(*DOCKMESH, *words, "-f", str(mesh.file))
    assert done.code == 0, done.err


def host_added(name: str) -> Edit:
    return lambda mesh: dockmesh(mesh, "host", "add", name, "--ssh-config", str(mesh.ssh_config))


def host_removed(name: str) -> Edit:
    return lambda mesh: dockmesh(mesh, "host", "remove", name)


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


def assert_costs_what_was_predicted(
    change: Change, mesh: Mesh, pings: Watched, hosts: tuple[str, ...], what: str
) -> None:
    """Nothing comes twice, and nobody is silent for longer than apply said, in ms."""
    edit, links = change
    edit(mesh)
    answers = []
    cost = pings.cost(lambda: answers.append(mesh.apply()), links)
    wait_until(lambda: settled(mesh, hosts), "all tunnels are up")
    assert_as_predicted(cost, max(host["silence_ms"] for host in answers[0]["hosts"]), what)


def assert_as_predicted(cost: Cost, predicted_ms: int, what: str) -> None:
    assert not cost.twice, (what, cost)
    assert cost.longest_ms <= predicted_ms, (what, cost)
