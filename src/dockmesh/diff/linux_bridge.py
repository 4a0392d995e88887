"""docker0 and the Linux bridges of further networks: what of one is not as it should be."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network

from dockmesh.diff.subject import ADDRESS, ADDRESS6, MTU, Desired, Subject, Thing
from dockmesh.diff.types import Change
from dockmesh.facts.types import HostFacts
from dockmesh.plan.types import HostNetwork
from dockmesh.render.bridge import drop, set_mtu
from dockmesh.transport.requests import Exec, Request

OWN = "this host's address in the mesh"
LOST = "larger frames would be lost in the tunnels"
NOT_OWN = "the mesh gives it to somebody else: a container, or another host"
CONTAINERS = "the bridge of the containers"
MAC, STATE, ROUTERS, TREE = "MAC address", "state", "router advertisements", "spanning tree"
Addresses = Mapping[str, Sequence[IPv4Interface | IPv6Interface]]  # by device


def strays(
    network: HostNetwork, facts: HostFacts, given: Iterable[IPv4Network | IPv6Network]
) -> dict[str, list[IPv4Interface | IPv6Interface]]:
    """By device, of the bridge and its member, the addresses that the plan gives to somebody else.

    What else somebody put beside our address is theirs, and stays.
    """
    own = {network.address.ip, network.address6.ip if network.address6 else None}
    found: dict[str, list[IPv4Interface | IPv6Interface]] = {}
    for link in filter(None, map(facts.link, (network.bridge, network.switch))):
        present: list[IPv4Interface | IPv6Interface] = [*link.addresses, *link.addresses6]
        found[link.name] = [
            address for address in present if address.ip not in own and any(address.ip in each for each in given)
        ]
    return {device: addresses for device, addresses in found.items() if addresses}


def moved(network: HostNetwork, facts: HostFacts) -> dict[str, list[IPv4Interface]]:
    """Where the bridge's own address is missing, those that it may have been moved to."""
    link = facts.link(network.bridge)
    if link is None or network.address in link.addresses:
        return {}
    return {link.name: [each for each in link.addresses if each.network == network.address.network]}


def narrowed(network: HostNetwork, facts: HostFacts) -> int | None:
    """The MTU of the bridge's member, where it has another than Open vSwitch was told, and told right."""
    link, switch = facts.link(network.switch), facts.bridge(network.switch)
    port = None if switch is None else switch.interface(network.switch)
    if link is None or port is None or port.mtu_request != network.mtu or link.mtu == network.mtu:
        return None
    return link.mtu


def with_mtu(network: HostNetwork, facts: HostFacts) -> tuple[Request, ...]:
    return () if narrowed(network, facts) is None else (Exec(set_mtu(network)),)


def without(addresses: Addresses) -> tuple[Request, ...]:
    return tuple(Exec(argv) for device, found in addresses.items() for argv in drop(device, found))


def desired(network: HostNetwork) -> Iterator[Desired]:
    own, member = Subject(Thing.DEVICE, network.bridge), Subject(Thing.DEVICE, network.switch)
    six = f", {network.address6}" if network.address6 else ""
    yield Desired(own, f"{network.address}{six}, MTU {network.mtu}", CONTAINERS)
    yield Desired(own.of(MTU), str(network.mtu), LOST)
    yield Desired(own.of(MAC), network.bridge_mac, "fixed, so that no neighbour's cache goes stale")
    yield Desired(own.of(STATE), "up", CONTAINERS)
    yield Desired(own.of(ROUTERS), "ignored", "no container is this host's router")
    yield Desired(own.of(TREE), "off", "the fabric has its own")
    yield Desired(own.of(ADDRESS), str(network.address), OWN)
    if network.address6 is not None:
        yield Desired(own.of(ADDRESS6), str(network.address6), OWN)
    yield Desired(member.of(MTU), str(network.mtu), LOST)
    yield Desired(member, f"in {network.bridge}", "it joins the containers to the fabric")


def bridge_changes(
    host: str, network: HostNetwork, facts: HostFacts, gone: Addresses, *, member_made: bool
) -> Iterator[Change]:
    """`gone`: its strays. `member_made`: the Open vSwitch bridge that is put into it is made anew in the same run."""
    link, member = facts.link(network.bridge), facts.link(network.switch)
    found = _found(network, facts, member_made=member_made)
    for each in desired(network):
        actual = found.get(each.subject, each.value)
        if actual == each.value:
            continue
        change = Change(host, each.subject, actual, each.value, each.reason)
        if each.subject.name != network.switch or each.subject.aspect:
            yield change
        elif link is None:
            yield change.following(f"{network.bridge} is made anew")
        elif member_made and (member is None or (member.master == network.bridge and member.up)):
            yield change.following(f"{network.switch} is made anew")
        elif facts.ovs is None:
            yield change.following("Open vSwitch starts")
        else:
            yield change
    yield from _gone(host, network, facts, gone)


def _found(network: HostNetwork, facts: HostFacts, *, member_made: bool) -> Mapping[Subject, str | None]:
    """What there is of each that can be compared, in the words of `desired`."""
    own, joined = Subject(Thing.DEVICE, network.bridge), Subject(Thing.DEVICE, network.switch)
    link, member = facts.link(network.bridge), facts.link(network.switch)
    found: dict[Subject, str | None] = {own: None}
    if link is not None:
        found = {
            own.of(MTU): str(link.mtu),
            own.of(MAC): link.mac,
            own.of(STATE): "up" if link.up else "down",
            own.of(ROUTERS): "heeded" if link.routers else "ignored",
            own.of(TREE): "on" if link.stp else "off",
        }
        if network.address not in link.addresses:
            found[own.of(ADDRESS)] = ", ".join(map(str, link.addresses)) or None
        if (six := network.address6) is not None and six not in link.addresses6:
            near = (str(each) for each in link.addresses6 if each.network == six.network)
            found[own.of(ADDRESS6)] = ", ".join(near) or None
    if not member_made and (mtu := narrowed(network, facts)) is not None:
        found[joined.of(MTU)] = str(mtu)
    if member_made or member is None or member.master is None:
        found[joined] = None
    else:
        found[joined] = f"in {member.master}{'' if member.up else ', down'}"
    return found


def _gone(host: str, network: HostNetwork, facts: HostFacts, gone: Addresses) -> Iterator[Change]:
    """What gives way to the bridge's own is said with that."""
    link = facts.link(network.bridge)
    own4 = link is None or network.address in link.addresses
    own6 = link is None or network.address6 is None or network.address6 in link.addresses6
    for device, addresses in gone.items():
        for version, aspect, there in ((4, ADDRESS, own4), (6, ADDRESS6, own6)):
            shown = ", ".join(str(each) for each in addresses if each.version == version)
            if shown and (there or device != network.bridge):
                yield Change(host, Subject(Thing.DEVICE, device, aspect), shown, None, NOT_OWN)
