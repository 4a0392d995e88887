"""docker0 and the Linux bridges of further networks: what of one is not as it should be."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network

from dockmesh.diff.subject import ADDRESS, ADDRESS6, MTU, Desired, Subject, Thing
from dockmesh.diff.types import Change
from dockmesh.facts.types import HostFacts
from dockmesh.render.bridge import drop, set_mtu
from dockmesh.render.types import DockerBridge
from dockmesh.transport.requests import Exec, Request

OWN = "this host's address in the mesh"
LOST = "larger frames would be lost in the tunnels"
NOT_OWN = "the mesh gives it to somebody else: a container, or another host"
CONTAINERS = "the bridge of the containers"
MAC, STATE, ROUTERS, TREE = "MAC address", "state", "router advertisements", "spanning tree"
Addresses = Mapping[str, Sequence[IPv4Interface | IPv6Interface]]  # by device


def strays(
    bridge: DockerBridge, facts: HostFacts, given: Iterable[IPv4Network | IPv6Network]
) -> dict[str, list[IPv4Interface | IPv6Interface]]:
    """By device, of the bridge and its member, the addresses that the plan gives to somebody else.

    What else somebody put beside our address is theirs, and stays.
    """
    own = {bridge.address.ip, bridge.address6.ip if bridge.address6 else None}
    found: dict[str, list[IPv4Interface | IPv6Interface]] = {}
    for link in filter(None, map(facts.link, (bridge.name, bridge.member))):
        present: list[IPv4Interface | IPv6Interface] = [*link.addresses, *link.addresses6]
        found[link.name] = [
            address for address in present if address.ip not in own and any(address.ip in each for each in given)
        ]
    return {device: addresses for device, addresses in found.items() if addresses}


def moved(bridge: DockerBridge, facts: HostFacts) -> dict[str, list[IPv4Interface]]:
    """Where the bridge's own address is missing, those that it may have been moved to."""
    link = facts.link(bridge.name)
    if link is None or bridge.address in link.addresses:
        return {}
    return {link.name: [each for each in link.addresses if each.network == bridge.address.network]}


def narrowed(bridge: DockerBridge, facts: HostFacts) -> int | None:
    """The MTU of the bridge's member, where it has another than Open vSwitch was told, and told right."""
    link, switch = facts.link(bridge.member), facts.bridge(bridge.member)
    port = None if switch is None else switch.interface(bridge.member)
    if link is None or port is None or port.mtu_request != bridge.mtu or link.mtu == bridge.mtu:
        return None
    return link.mtu


def with_mtu(bridge: DockerBridge, facts: HostFacts) -> tuple[Request, ...]:
    return () if narrowed(bridge, facts) is None else (Exec(set_mtu(bridge)),)


def without(addresses: Addresses) -> tuple[Request, ...]:
    return tuple(Exec(argv) for device, found in addresses.items() for argv in drop(device, found))


def desired(bridge: DockerBridge) -> Iterator[Desired]:
    own, member = Subject(Thing.DEVICE, bridge.name), Subject(Thing.DEVICE, bridge.member)
    six = f", {bridge.address6}" if bridge.address6 else ""
    yield Desired(own, f"{bridge.address}{six}, MTU {bridge.mtu}", CONTAINERS)
    yield Desired(own.of(MTU), str(bridge.mtu), LOST)
    yield Desired(own.of(MAC), bridge.mac, "fixed, so that no neighbour's cache goes stale")
    yield Desired(own.of(STATE), "up", CONTAINERS)
    yield Desired(own.of(ROUTERS), "ignored", "no container is this host's router")
    yield Desired(own.of(TREE), "off", "the fabric has its own")
    yield Desired(own.of(ADDRESS), str(bridge.address), OWN)
    if bridge.address6 is not None:
        yield Desired(own.of(ADDRESS6), str(bridge.address6), OWN)
    yield Desired(member.of(MTU), str(bridge.mtu), LOST)
    yield Desired(member, f"in {bridge.name}", "it joins the containers to the fabric")


def bridge_changes(
    host: str, bridge: DockerBridge, facts: HostFacts, gone: Addresses, *, member_made: bool
) -> Iterator[Change]:
    """`gone`: its strays. `member_made`: the Open vSwitch bridge that is put into it is made anew in the same run."""
    link, member = facts.link(bridge.name), facts.link(bridge.member)
    found = _found(bridge, facts, member_made=member_made)
    for each in desired(bridge):
        actual = found.get(each.subject, each.value)
        if actual == each.value:
            continue
        change = Change(host, each.subject, actual, each.value, each.reason)
        if each.subject.name != bridge.member or each.subject.aspect:
            yield change
        elif link is None:
            yield change.following(f"{bridge.name} is made anew")
        elif member_made and (member is None or (member.master == bridge.name and member.up)):
            yield change.following(f"{bridge.member} is made anew")
        elif facts.ovs is None:
            yield change.following("Open vSwitch starts")
        else:
            yield change
    yield from _gone(host, bridge, facts, gone)


def _found(bridge: DockerBridge, facts: HostFacts, *, member_made: bool) -> Mapping[Subject, str | None]:
    """What there is of each that can be compared, in the words of `desired`."""
    own, joined = Subject(Thing.DEVICE, bridge.name), Subject(Thing.DEVICE, bridge.member)
    link, member = facts.link(bridge.name), facts.link(bridge.member)
    found: dict[Subject, str | None] = {own: None}
    if link is not None:
        found = {
            own.of(MTU): str(link.mtu),
            own.of(MAC): link.mac,
            own.of(STATE): "up" if link.up else "down",
            own.of(ROUTERS): "heeded" if link.routers else "ignored",
            own.of(TREE): "on" if link.stp else "off",
        }
        if bridge.address not in link.addresses:
            found[own.of(ADDRESS)] = ", ".join(map(str, link.addresses)) or None
        if (six := bridge.address6) is not None and six not in link.addresses6:
            near = (str(each) for each in link.addresses6 if each.network == six.network)
            found[own.of(ADDRESS6)] = ", ".join(near) or None
    if not member_made and (mtu := narrowed(bridge, facts)) is not None:
        found[joined.of(MTU)] = str(mtu)
    if member_made or member is None or member.master is None:
        found[joined] = None
    else:
        found[joined] = f"in {member.master}{'' if member.up else ', down'}"
    return found


def _gone(host: str, bridge: DockerBridge, facts: HostFacts, gone: Addresses) -> Iterator[Change]:
    """What gives way to the bridge's own is said with that."""
    link = facts.link(bridge.name)
    own4 = link is None or bridge.address in link.addresses
    own6 = link is None or bridge.address6 is None or bridge.address6 in link.addresses6
    for device, addresses in gone.items():
        for version, aspect, there in ((4, ADDRESS, own4), (6, ADDRESS6, own6)):
            shown = ", ".join(str(each) for each in addresses if each.version == version)
            if shown and (there or device != bridge.name):
                yield Change(host, Subject(Thing.DEVICE, device, aspect), shown, None, NOT_OWN)
