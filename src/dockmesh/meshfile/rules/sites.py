"""Rules about sites: that each host is in one, and that there is something to join."""

from collections.abc import Iterator

from dockmesh.meshfile.excerpt import clipped, listed
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.keys.topology import SitesSection
from dockmesh.meshfile.nearest import did_you_mean
from dockmesh.meshfile.problems import Mistake, Problem
from dockmesh.meshfile.types import Located


def check_sites(mesh: MeshSection) -> Iterator[Problem]:
    topology = mesh.fabric.topology
    if not topology or not isinstance(topology.value, SitesSection):
        return
    found = topology.value.sites
    if not found or not found.whole or not found.under:
        return
    span, sites = found.under.span, {clipped(site.under.text): site.value for site in found.value if site.under}
    if len(sites) < 2:
        hint = "Sites are linked to one another. For one group of hosts write `topology: full-mesh`."
        what = f"there {'is one site' if sites else 'are no sites'}"
        yield Problem(what, hint, span, Mistake.ONE_SITE)
    names = [host.label.value for host in mesh.every_host]
    first: dict[str, tuple[str, Located[str]]] = {}
    unknown = False
    for site, host in ((site, host) for site, hosts in sites.items() for host in hosts):
        if names and host.value not in names:
            unknown = True
            hint = f"Hosts of this file: {listed(names, limit=6)}.{did_you_mean(host.value, names)}"
            yield Problem(f"site {site} has the unknown host {clipped(host.value)}", hint, host.span)
        elif host.value in first:
            where, before = first[host.value]
            hint = f"It is also in {where}, line {before.line}. A host belongs to one site: delete one of them."
            yield Problem(f"{clipped(host.value)} is in a site twice", hint, host.span)
        else:
            first[host.value] = (site, host)
    # A misspelt name leaves its host without a site; to tell that too would be to tell one mistake twice.
    if sites and not unknown and (left := [name for name in names if name not in first]):
        hint = f"Sites: {listed([*sites], limit=6)}. Every host is in one of them."
        what = f"{listed(left, limit=6)} {'is' if len(left) == 1 else 'are'} in no site"
        yield Problem(what, hint, span)


RULES = (check_sites,)
