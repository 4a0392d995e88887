"""Rules about sites: that each host is in one, and that there is something to join."""

from collections.abc import Iterator

from dockmesh.spec.draft import Draft, DraftSites, Located
from dockmesh.spec.excerpt import clipped, listed
from dockmesh.spec.nearest import did_you_mean
from dockmesh.spec.problems import Mistake, Problem


def check_sites(draft: Draft) -> Iterator[Problem]:
    if not isinstance(draft.topology, DraftSites):
        return
    sites = draft.topology.sites
    if len(sites) < 2:
        hint = "Sites are linked to one another. For one group of hosts write `topology: full-mesh`."
        what = f"there {'is one site' if sites else 'are no sites'}"
        yield Problem(what, hint, draft.topology.span, Mistake.ONE_SITE)
    names = [host.name.value for host in draft.hosts]
    first: dict[str, tuple[Located[str], Located[str]]] = {}
    unknown = False
    for site in sites:
        for host in site.hosts:
            if names and host.value not in names:
                unknown = True
                hint = f"Hosts of this file: {listed(names, limit=6)}.{did_you_mean(host.value, names)}"
                yield Problem(
                    f"site {clipped(site.name.value)} has the unknown host {clipped(host.value)}", hint, host.span
                )
            elif host.value in first:
                where, before = first[host.value]
                stands = f"It stands in {clipped(where.value)}, line {before.span.line}, too."
                hint = f"{stands} A host is in one site: delete one of them."
                yield Problem(f"{clipped(host.value)} is in a site twice", hint, host.span)
            else:
                first[host.value] = (site.name, host)
    # A misspelt name leaves its host without a site; to tell that too would be to tell one mistake twice.
    if sites and not unknown and (left := [name for name in names if name not in first]):
        hint = f"Sites: {listed([site.name.value for site in sites], limit=6)}. Every host is in one of them."
        what = f"{listed(left, limit=6)} {'is' if len(left) == 1 else 'are'} in no site"
        yield Problem(what, hint, draft.topology.span)
