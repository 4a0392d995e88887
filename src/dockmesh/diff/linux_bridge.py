"""docker0 and the Linux bridges of further networks: what of one is not as it should be."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network

from dockmesh.diff.types import Change
from dockmesh.facts.types import HostFacts
from dockmesh.remote.seam import Request, Run
from dockmesh.render import bridge
from dockmesh.render.types import DockerBridge

OWN = "this host's address in the mesh"
LOST = "larger frames would be lost in the tunnels"
NOT_OWN = "the mesh gives it to somebody else: a container, or another host"
ROUTERS = "router advertisements"
Addresses = Mapping[str, Sequence[IPv4Interface | IPv6Interface]]  # by device


def strays(
    wanted: DockerBridge, facts: HostFacts, given: Iterable[IPv4Network | IPv6Network]
) -> dict[str, list[IPv4Interface | IPv6Interface]]:
    """By device, of the bridge and its member, the addresses that the plan gives to somebody else.

    What else somebody put beside our address is theirs, and stays.
    """
    own = {wanted.address.ip, wanted.address6.ip if wanted.address6 else None}
    found: dict[str, list[IPv4Interface | IPv6Interface]] = {}
    for link in filter(None, map(facts.link, (wanted.name, wanted.member))):
        present: list[IPv4Interface | IPv6Interface] = [*link.addresses, *link.addresses6]
        found[link.name] = [
            address for address in present if address.ip not in own and any(address.ip in each for each in given)
        ]
    return {device: addresses for device, addresses in found.items() if addresses}


def moved(wanted: DockerBridge, facts: HostFacts) -> dict[str, list[IPv4Interface]]:
    """Where the bridge's own address is missing, those that it may have been moved to."""
    link = facts.link(wanted.name)
    if link is None or wanted.address in link.addresses:
        return {}
    return {link.name: [each for each in link.addresses if each.network == wanted.address.network]}


def narrowed(wanted: DockerBridge, facts: HostFacts) -> int | None:
    """The MTU of the bridge's member, where it has another than Open vSwitch was told, and told right."""
    link, switch = facts.link(wanted.member), facts.bridge(wanted.member)
    port = None if switch is None else switch.interface(wanted.member)
    if link is None or port is None or port.mtu_request != wanted.mtu or link.mtu == wanted.mtu:
        return None
    return link.mtu


def with_mtu(wanted: DockerBridge, facts: HostFacts) -> tuple[Request, ...]:
    return () if narrowed(wanted, facts) is None else (Run(bridge.set_mtu(wanted)),)


def without(addresses: Addresses) -> tuple[Request, ...]:
    return tuple(Run(argv) for device, found in addresses.items() for argv in bridge.drop(device, found))


def bridge_changes(
    host: str, wanted: DockerBridge, facts: HostFacts, gone: Addresses, *, member_made: bool
) -> Iterator[Change]:
    """`gone`: its strays. `member_made`: the Open vSwitch bridge that is put into it is made anew in the same run."""
    link, member = facts.link(wanted.name), facts.link(wanted.member)
    if link is None:
        six = f", {wanted.address6}" if wanted.address6 else ""
        what = f"{wanted.address}{six}, MTU {wanted.mtu}"
        yield Change(host, wanted.name, None, what, "the bridge of the containers")
    else:
        pairs = (
            ("MTU", str(link.mtu), str(wanted.mtu), LOST),
            ("MAC address", link.mac, wanted.mac, "fixed, so that no neighbour's cache goes stale"),
            ("state", "up" if link.up else "down", "up", "the bridge of the containers"),
            (ROUTERS, "heeded" if link.routers else "ignored", "ignored", "no container is this host's router"),
            ("spanning tree", "on" if link.stp else "off", "off", "the fabric has its own"),
        )
        for subject, actual, expected, reason in pairs:
            if actual != expected:
                yield Change(host, f"{wanted.name} {subject}", actual, expected, reason)
        if wanted.address not in link.addresses:
            shown = ", ".join(map(str, link.addresses)) or None
            yield Change(host, f"{wanted.name} address", shown, str(wanted.address), OWN)
        if wanted.address6 is not None and wanted.address6 not in link.addresses6:
            found6 = ", ".join(str(each) for each in link.addresses6 if each.network == wanted.address6.network) or None
            yield Change(host, f"{wanted.name} address6", found6, str(wanted.address6), OWN)
    yield from _gone(host, wanted, facts, gone)
    if not member_made and (mtu := narrowed(wanted, facts)) is not None:
        yield Change(host, f"{wanted.member} MTU", str(mtu), str(wanted.mtu), LOST)
    if member_made or member is None or member.master != wanted.name or not member.up:
        place = f"in {member.master}" if member and member.master and not member_made else None
        place = f"{place}, down" if place and member and not member.up else place
        yield Change(host, wanted.member, place, f"in {wanted.name}", "it joins the containers to the fabric")


def _gone(host: str, wanted: DockerBridge, facts: HostFacts, gone: Addresses) -> Iterator[Change]:
    """What gives way to the bridge's own is said with that."""
    link = facts.link(wanted.name)
    own4 = link is None or wanted.address in link.addresses
    own6 = link is None or wanted.address6 is None or wanted.address6 in link.addresses6
    for device, addresses in gone.items():
        for version, there in ((4, own4), (6, own6)):
            shown = ", ".join(str(each) for each in addresses if each.version == version)
            if shown and (there or device != wanted.name):
                subject = f"{device} address{'6' if version == 6 else ''}"
                yield Change(host, subject, shown, None, NOT_OWN)
