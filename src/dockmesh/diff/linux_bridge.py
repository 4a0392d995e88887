"""docker0 and the Linux bridges of further networks: what of one is not as it should be."""

from collections.abc import Iterator

from dockmesh.diff.types import Change
from dockmesh.facts.types import HostFacts
from dockmesh.render.types import DockerBridge


def bridge_changes(host: str, wanted: DockerBridge, facts: HostFacts, *, member_made: bool) -> Iterator[Change]:
    """`member_made`: the Open vSwitch bridge that is put into it is made anew in the same run."""
    link, member = facts.link(wanted.name), facts.link(wanted.member)
    if link is None:
        six = f", {wanted.address6}" if wanted.address6 else ""
        what = f"{wanted.address}{six}, MTU {wanted.mtu}"
        yield Change(host, wanted.name, None, what, "the bridge of the containers")
    else:
        pairs = (
            ("MTU", str(link.mtu), str(wanted.mtu), "larger frames would be lost in the tunnels"),
            ("MAC address", link.mac, wanted.mac, "fixed, so that no neighbour's cache goes stale"),
            ("state", "up" if link.up else "down", "up", "the bridge of the containers"),
            ("spanning tree", "on" if link.stp else "off", "off", "the fabric has its own"),
        )
        for subject, actual, expected, reason in pairs:
            if actual != expected:
                yield Change(host, f"{wanted.name} {subject}", actual, expected, reason)
        if wanted.address not in link.addresses:
            shown = ", ".join(map(str, link.addresses)) or None
            yield Change(host, f"{wanted.name} address", shown, str(wanted.address), "this host's address in the mesh")
        if wanted.address6 is not None and wanted.address6 not in link.addresses6:
            found6 = ", ".join(str(each) for each in link.addresses6 if each.network == wanted.address6.network) or None
            reason = "this host's address in the mesh"
            yield Change(host, f"{wanted.name} address6", found6, str(wanted.address6), reason)
    if member_made or member is None or member.master != wanted.name or not member.up:
        place = f"in {member.master}" if member and member.master and not member_made else None
        place = f"{place}, down" if place and member and not member.up else place
        yield Change(host, wanted.member, place, f"in {wanted.name}", "it joins the containers to the fabric")
