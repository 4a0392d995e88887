"""Rules about topologies that have a name or a number, and about how many tunnels a host may have."""

from collections import Counter
from collections.abc import Iterator

from dockmesh.meshfile.excerpt import clipped, listed
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.keys.topology import DegreeSection, SitesSection, StarSection
from dockmesh.meshfile.nearest import did_you_mean
from dockmesh.meshfile.problems import Mistake, Problem, Span
from dockmesh.meshfile.rules.links import links_of
from dockmesh.model.mesh import Forwarding, FullMesh, Ring, Star

# lib/stp.h and lib/rstp.h of Open vSwitch: ports of a bridge past these are left out of the spanning tree. Its own
# internal port takes no part, so all of them can be tunnels.
# `direct` has numbers up to 0xfeff for them; nobody has tried so many.
MOST_TUNNELS = {Forwarding.STP: 255, Forwarding.RSTP: 4095, Forwarding.DIRECT: 4095}
# A spanning tree reaches 19 hops from its root (IEEE 802.1D-2004, 17.13.8), and a ring with one link cut is a chain
# whose end may be the root.
LONGEST_RING = 20
# The rules of `direct` are made for each pair of hosts: 200 of degree 8 are planned in 10 s and 150 MiB. In a ring each
# host has rules for all pairs, and with a link cut frames go the long way round.
MOST_DIRECT, LONGEST_DIRECT_RING = 200, 50


def check_ring(mesh: MeshSection) -> Iterator[Problem]:
    topology, forwarding, hosts = mesh.fabric.topology, mesh.fabric.forwarding, len(mesh.every_host)
    if not topology or not forwarding:
        return
    value, span = topology.value, topology.span
    if isinstance(value, DegreeSection) and value.degree and value.degree.value == 2:
        span = value.degree.span  # which is a ring, too
    elif not isinstance(value, Ring):
        return
    what = f"a ring of {hosts} hosts is too long"
    if forwarding.value is Forwarding.DIRECT:
        if hosts > LONGEST_DIRECT_RING:
            hint = f"A ring has at most {LONGEST_DIRECT_RING} hosts; for more write `topology: {{degree: 4}}`."
            yield Problem(what, hint, span)
    elif hosts > LONGEST_RING:
        hint = (
            f"With one link cut, the last host is {hosts - 1} hops from the root, and a spanning tree reaches "
            f"{LONGEST_RING - 1}. A ring has at most {LONGEST_RING} hosts; for more write `topology: {{degree: 4}}`."
        )
        yield Problem(what, hint, span)


def check_direct(mesh: MeshSection) -> Iterator[Problem]:
    forwarding, hosts = mesh.fabric.forwarding, len(mesh.every_host)
    if forwarding and forwarding.value is Forwarding.DIRECT and hosts > MOST_DIRECT:
        hint = f"Its rules are made for each pair of hosts, of {MOST_DIRECT} hosts at most. Choose `forwarding: rstp`."
        yield Problem(f"{hosts} hosts are more than direct takes", hint, _of_hosts(mesh))


def check_star(mesh: MeshSection) -> Iterator[Problem]:
    topology, names = mesh.fabric.topology, [host.label.value for host in mesh.every_host]
    hub = topology.value.star if topology and isinstance(topology.value, StarSection) else None
    if hub and names and hub.value not in names:
        hint = f"Hosts of this file: {listed(names, limit=6)}.{did_you_mean(hub.value, names)}"
        what = f"star around the unknown host {clipped(hub.value)}"
        yield Problem(what, hint, hub.span, Mistake.UNKNOWN_HUB)


def check_degree(mesh: MeshSection) -> Iterator[Problem]:
    topology, hosts = mesh.fabric.topology, len(mesh.every_host)
    degree = topology.value.degree if topology and isinstance(topology.value, DegreeSection) else None
    if degree is None or hosts < 2:
        return
    if degree.value >= hosts:
        others = f"Each of {hosts} hosts has {hosts - 1} others."
        hint = f"{others} For a link between every two write `topology: full-mesh`."
        yield Problem(f"{degree.subject} {degree.value} is more than there are other hosts", hint, degree.span)
    elif degree.value < 2 < hosts:
        hint = "With one link each, hosts only pair up. Expected 2 (a ring, any one link may fail) or more."
        yield Problem(f"{degree.subject} {degree.value} leaves hosts unconnected", hint, degree.span)


def check_tunnel_count(mesh: MeshSection) -> Iterator[Problem]:
    found, forwarding = _most_tunnels(mesh), mesh.fabric.forwarding
    if not found or not forwarding:
        return
    (tunnels, who, span), kind = found, forwarding.value
    if tunnels > (most := MOST_TUNNELS[kind]):
        other = "rstp takes 4,095, or choose fewer links" if kind is Forwarding.STP else "Choose fewer links"
        hint = f"Open vSwitch leaves tunnels past {most:,} out of {kind}. {other}: `topology: {{degree: 4}}`."
        yield Problem(f"{tunnels:,} tunnels at {clipped(who)} are more than {kind} takes", hint, span)


def _most_tunnels(mesh: MeshSection) -> tuple[int, str, Span | None] | None:
    """How many, at whom, and where the file says so."""
    topology, others = mesh.fabric.topology, len(mesh.every_host) - 1
    match topology.value if topology else None:
        case FullMesh():
            return others, "every host", _of_hosts(mesh)
        case Star():
            return others, "the host in the middle", _of_hosts(mesh)
        case StarSection(star=hub) if hub:
            return others, hub.value, hub.span
        case DegreeSection(degree=degree) if degree:
            return degree.value, "every host", degree.span
        case SitesSection(sites=sites) if sites and sites.whole and sites.value:
            # Within the site, and at worst both links to each other site.
            site = max(sites.value, key=lambda each: len(each.value))
            name = site.under.text if site.under else ""
            return len(site.value) - 1 + 2 * (len(sites.value) - 1), f"the first host of {name}", site.span
        case _ if links := links_of(mesh):
            ends = Counter(end.value for link in links for end in link.value)
            who, tunnels = max(ends.items(), key=lambda item: item[1])
            return tunnels, who, links[0].span
        case _:
            return None


def _of_hosts(mesh: MeshSection) -> Span | None:
    return mesh.hosts.under.span if mesh.hosts and mesh.hosts.under else None


RULES = (check_ring, check_direct, check_star, check_degree, check_tunnel_count)
