"""The spanning tree as the hosts have it: on or off, whose root, which ports forward, and whether that is a tree."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dockmesh.facts.types import HostFacts
from dockmesh.model.mesh import Forwarding
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.plan.graph import depths, neighbours, path
from dockmesh.plan.types import Link, Plan
from dockmesh.verify import tunnel
from dockmesh.verify.tunnel import TunnelState

# Where Open vSwitch says it (ovs-vswitchd.conf.db(5)): for each protocol the bridge's key of the root, then the port's
# keys of state and role. Both end a bridge's name in its MAC address: `rstp_root_id` 1.000.0e6dac112a01.
KEYS = {
    Forwarding.RSTP: ("rstp_root_id", "rstp_port_state", "rstp_port_role"),
    Forwarding.STP: ("stp_designated_root", "stp_state", "stp_role"),
}
FORWARDING = "forwarding"
TAKES = "it takes"
ROOT = "root"
# The roles whose ports let frames pass, once they are through discarding (or listening) and learning.
FORWARDING_ROLES = (ROOT, "designated")


@dataclass(frozen=True, slots=True)
class TreePort:
    """A tunnel's port in the spanning tree; both in small letters, "" where it takes no part."""

    peer: str
    port: str
    state: str
    role: str


@dataclass(frozen=True, slots=True)
class TreeView:
    """What one host knows of the tree."""

    on: bool
    root: str  # the MAC address of the bridge that it takes for the root, or ""
    ports: tuple[TreePort, ...]


def read_view(plan: Plan, facts: HostFacts) -> TreeView | None:
    """None: there is no bridge, or the mesh has no spanning tree."""
    bridge = facts.bridge(FABRIC_BRIDGE)
    if bridge is None or plan.fabric.forwarding not in KEYS:
        return None
    root_key, state_key, role_key = KEYS[plan.fabric.forwarding]
    ports = []
    for wanted in plan.host(facts.name).tunnels:
        found = tunnel.find_port(facts, wanted)
        if found is not None:
            status = {key: value.lower() for key, value in found.tree_status.items()}
            ports.append(TreePort(wanted.peer, found.name, status.get(state_key, ""), status.get(role_key, "")))
    return TreeView(
        on=bridge.rstp if plan.fabric.forwarding is Forwarding.RSTP else bridge.stp,
        root=_mac(bridge.tree_status.get(root_key, "")),
        ports=tuple(ports),
    )


def _mac(identifier: str) -> str:
    digits = identifier.rsplit(".", 1)[-1].lower()
    return ":".join(digits[place : place + 2] for place in range(0, len(digits), 2)) if len(digits) == 12 else ""


def read_views(plan: Plan, facts: Mapping[str, HostFacts]) -> dict[str, TreeView]:
    views = {name: read_view(plan, host) for name, host in facts.items()}
    return {name: view for name, view in views.items() if view is not None}


def root_host(plan: Plan, mac: str) -> str | None:
    return next((host.name for host in plan.hosts if host.docker0.switch_mac == mac), None)


def expected_root(plan: Plan, views: Mapping[str, TreeView]) -> str | None:
    """The plan's root; while that one is not there its deputy; without both any will do, if only all agree."""
    if plan.tree is None:
        return None
    return next((name for name in (plan.tree.root, plan.tree.backup_root) if name in views), None)


def forwarding_links(plan: Plan, views: Mapping[str, TreeView], facts: Mapping[str, HostFacts]) -> tuple[Link, ...]:
    """Links through which frames go: both ends let them, and hear each other."""
    ends = tunnel.read_ends(plan, facts)
    passes = {
        (name, port.peer)
        for name, view in views.items()
        for port in view.ports
        if (not view.on or port.state == FORWARDING)
        and ends[name, port.peer].state in (TunnelState.UP, TunnelState.NO_BFD)
    }
    return tuple(link for link in plan.links if (link.a, link.b) in passes and (link.b, link.a) in passes)


def find_loop(plan: Plan, links: Sequence[Link]) -> tuple[str, ...]:
    """The hosts of one circle of links, or none: a link that joins what is joined already closes one."""
    hosts = [host.name for host in plan.hosts]
    leader = {name: name for name in hosts}

    def find(name: str) -> str:
        while leader[name] != name:
            leader[name] = name = leader[leader[name]]
        return name

    for place, link in enumerate(links):
        if find(link.a) == find(link.b):
            return tuple(path(neighbours(hosts, links[:place]), link.a, link.b))
        leader[find(link.a)] = find(link.b)
    return ()


def loop_danger(plan: Plan, facts: Mapping[str, HostFacts]) -> tuple[str, ...]:
    """Hosts without spanning tree, if what they pass on could come back: then a single broadcast would never end."""
    views = read_views(plan, facts)
    off = tuple(name for name, view in views.items() if not view.on)
    there = {frozenset((name, port.peer)) for name, view in views.items() for port in view.ports}
    return off if off and find_loop(plan, [link for link in plan.links if {link.a, link.b} in there]) else ()


def coming_up(plan: Plan, facts: Mapping[str, HostFacts]) -> bool:
    """Whether something is wrong that may still come right by itself."""
    wrong = {**problems(plan, facts), **cut_off(plan, facts)}
    return any(view.on and name in wrong for name, view in read_views(plan, facts).items())


def problems(plan: Plan, facts: Mapping[str, HostFacts]) -> dict[str, tuple[str, ...]]:
    """What is wrong with the tree itself, by host; hosts where nothing is are left out."""
    if not plan.has_tree:
        return {}
    views = read_views(plan, facts)
    circle = find_loop(plan, forwarding_links(plan, views, facts))
    found = {name: list(_of_host(plan, views, name)) for name in facts}
    for name in circle:
        found[name].append(f"frames can loop: {' – '.join((*circle, circle[0]))}")
    return {name: tuple(wrong) for name, wrong in found.items() if wrong}


def cut_off(plan: Plan, facts: Mapping[str, HostFacts]) -> dict[str, str]:
    """Hosts from which no path leads to the root, mostly because of their tunnels. Tells nothing of half a mesh."""
    views = read_views(plan, facts)
    root = expected_root(plan, views)
    if root is None or len(views) < len(plan.hosts):
        return {}
    graph = neighbours([host.name for host in plan.hosts], forwarding_links(plan, views, facts))
    reached = depths(graph, root)
    return {name: f"no path leads to {root}, the root" for name in views if name not in reached}


def _of_host(plan: Plan, views: Mapping[str, TreeView], name: str) -> Iterator[str]:
    view, root = views.get(name), expected_root(plan, views)
    protocol = plan.fabric.forwarding.upper()
    if view is None:
        yield f"there is no {FABRIC_BRIDGE}"
        return
    if not view.on:
        yield f"{protocol} is off on {FABRIC_BRIDGE}"
        return
    if root and root_host(plan, view.root) != root:
        taken = root_host(plan, view.root) or view.root or "nobody"
        yield f"{TAKES} {taken} for the root instead of {root}"
    if root and root != name and root_host(plan, view.root) == root and not _has_root_port(view):
        # Measured with Open vSwitch 3.5.0: it keeps a root port that was deleted, and looks for no other.
        yield f"it knows the root, {root}, and none of its tunnels leads there: it still uses a deleted one"
    if late := [port for port in view.ports if port.role in FORWARDING_ROLES and port.state != FORWARDING]:
        yield f"{', '.join(f'{port.port} is still {port.state}' for port in late)}"
    if out := [port.port for port in view.ports if not port.state]:
        yield f"{', '.join(out)} takes no part in {protocol}"


def _has_root_port(view: TreeView) -> bool:
    return any(port.role == ROOT for port in view.ports)


def summary(plan: Plan, facts: HostFacts) -> str:
    """A host's part of the tree, for one on which all is well."""
    view = read_view(plan, facts)
    if view is None:
        return ""
    ports = ", ".join(f"{port.port} {port.state}" for port in view.ports)
    return f"root {root_host(plan, view.root) or view.root}" + (f"; {ports}" if ports else "")
