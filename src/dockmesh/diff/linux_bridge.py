"""The Linux bridge of a network: what of it is not as it should be, and what makes it so."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Interface, IPv6Interface

from dockmesh.diff.subject import ADDRESS, ADDRESS6, MAC, MTU, ROUTERS, STATE, TREE, Desired, Subject, Thing
from dockmesh.diff.types import Change
from dockmesh.facts.types import HostFacts, LinuxLink
from dockmesh.plan.types import HostNetwork
from dockmesh.render import bridge
from dockmesh.render.types import HostConfig
from dockmesh.transport.requests import Exec, Request

OWN = "this host's address in the mesh"
LOST = "larger frames would be lost in the tunnels"
NOT_OWN = "the mesh gives it to somebody else: a container, or another host"
CONTAINERS = "the bridge of the containers"
Addresses = Mapping[str, Sequence[IPv4Interface | IPv6Interface]]  # by device


def subject(network: HostNetwork) -> Subject:
    """Of the bridge itself."""
    return Subject(Thing.DEVICE, network.bridge)


def desired(network: HostNetwork) -> Iterator[Desired]:
    own = subject(network)
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
    member = joined(network)
    yield Desired(member.subject.of(MTU), str(network.mtu), LOST)
    yield member


def joined(network: HostNetwork) -> Desired:
    """The bridge's member, which leads to the fabric."""
    member = Subject(Thing.DEVICE, network.switch)
    return Desired(member, f"in {network.bridge}", "it joins the containers to the fabric")


def differing(
    network: HostNetwork, facts: HostFacts, *, member_made: bool = False
) -> Iterator[tuple[Desired, str | None]]:
    """What is not as desired, each with what there is instead, in the same words; None: nothing.

    `member_made`: the Open vSwitch bridge that is put into it is recreated, so what there is of it will be gone.
    """
    found = _found(network, facts, None if member_made else facts.link(network.switch))
    for each in desired(network):
        if (actual := found.get(each.subject, each.value)) != each.value:
            yield each, actual


def _found(network: HostNetwork, facts: HostFacts, member: LinuxLink | None) -> Mapping[Subject, str | None]:
    """What there is of each that can be compared."""
    own, there = subject(network), joined(network).subject
    found: dict[Subject, str | None] = {own: None, there: None}
    if (link := facts.link(network.bridge)) is not None:
        found = {
            own.of(MTU): str(link.mtu),
            own.of(MAC): link.mac,
            own.of(STATE): "up" if link.up else "down",
            own.of(ROUTERS): "heeded" if link.routers else "ignored",
            own.of(TREE): "on" if link.stp else "off",
            there: None,
        }
        if network.address not in link.addresses:
            found[own.of(ADDRESS)] = ", ".join(map(str, link.addresses)) or None
        if (six := network.address6) is not None and six not in link.addresses6:
            near = (str(each) for each in link.addresses6 if each.network == six.network)
            found[own.of(ADDRESS6)] = ", ".join(near) or None
    if member is not None:
        found[there.of(MTU)] = str(member.mtu)
        if member.master is not None:
            found[there] = f"in {member.master}{'' if member.up else ', down'}"
    return found


def bridge_changes(
    config: HostConfig, network: HostNetwork, facts: HostFacts, *, member_made: bool
) -> Iterator[Change]:
    """`member_made`: the Open vSwitch bridge that is put into it is recreated in the same run."""
    member = joined(network).subject
    for each, actual in differing(network, facts, member_made=member_made):
        change = Change(config.host, each.subject, actual, each.value, each.reason)
        if each.subject == member:
            because = _because(network, facts, member_made=member_made)
            yield change.following(because) if because else change
        # A member whose MTU Open vSwitch was told wrong gets it when that is set right.
        elif each.subject != member.of(MTU) or _is_narrowed(network, facts):
            yield change
    yield from _gone(config, network, facts)


def _because(network: HostNetwork, facts: HostFacts, *, member_made: bool) -> str | None:
    """What else changes, so that the member has to be put into the bridge; None: nothing does."""
    member = facts.link(network.switch)
    if facts.link(network.bridge) is None:
        return f"{network.bridge} is recreated"
    if member_made and (member is None or (member.master == network.bridge and member.up)):
        return f"{network.switch} is recreated"
    return "Open vSwitch starts" if facts.ovs is None else None


def _gone(config: HostConfig, network: HostNetwork, facts: HostFacts) -> Iterator[Change]:
    """What gives way to the bridge's own is said with that."""
    link = facts.link(network.bridge)
    own4 = link is None or network.address in link.addresses
    own6 = link is None or network.address6 is None or network.address6 in link.addresses6
    for device, addresses in _strays(config, network, facts).items():
        for version, aspect, there in ((4, ADDRESS, own4), (6, ADDRESS6, own6)):
            shown = ", ".join(str(each) for each in addresses if each.version == version)
            if shown and (there or device != network.bridge):
                yield Change(config.host, Subject(Thing.DEVICE, device, aspect), shown, None, NOT_OWN)


def _strays(config: HostConfig, network: HostNetwork, facts: HostFacts) -> Addresses:
    """Of the bridge and its member, the addresses that the plan gives to somebody else.

    What else somebody put beside our address is theirs, and stays.
    """
    own = {network.address.ip, network.address6.ip if network.address6 else None}
    present = facts.docker.network(network.name) if facts.docker else None
    # Docker leaves those of a prefix6 of before on a bridge that it did not make.
    all_given = (*config.given, *(present.prefixes6 if present else ()))
    found: dict[str, list[IPv4Interface | IPv6Interface]] = {}
    for link in filter(None, map(facts.link, (network.bridge, network.switch))):
        there: list[IPv4Interface | IPv6Interface] = [*link.addresses, *link.addresses6]
        found[link.name] = [
            each for each in there if each.ip not in own and any(each.ip in given for given in all_given)
        ]
    return {device: addresses for device, addresses in found.items() if addresses}


def set_right(
    config: HostConfig, network: HostNetwork, facts: HostFacts, *, restarts: bool = False
) -> tuple[Request, ...]:
    """All that makes a bridge what it should be, whatever of it is; with the fabric in it at the end.

    `restarts`: Docker does, and takes away the address that it had before.
    """
    argvs = [
        *(bridge.make(network) if facts.link(network.bridge) is None else ()),
        *(() if restarts else _without(_moved(network, facts))),
        *_without(_strays(config, network, facts)),
        *((bridge.set_mtu(network),) if _is_narrowed(network, facts) else ()),
        *bridge.set_up(network),
        *bridge.attach(network),
    ]
    return tuple(map(Exec, argvs))


def _without(addresses: Addresses) -> Iterator[bridge.Argv]:
    return (argv for device, found in addresses.items() for argv in bridge.drop(device, found))


def _moved(network: HostNetwork, facts: HostFacts) -> Addresses:
    """Where the bridge's own address is missing, those that it may have been moved to."""
    link = facts.link(network.bridge)
    if link is None or network.address in link.addresses:
        return {}
    return {link.name: [each for each in link.addresses if each.network == network.address.network]}


def _is_narrowed(network: HostNetwork, facts: HostFacts) -> bool:
    """Whether the bridge's member has another MTU than Open vSwitch was told, and told right."""
    link, switch = facts.link(network.switch), facts.bridge(network.switch)
    port = None if switch is None else switch.interface(network.switch)
    return link is not None and port is not None and port.mtu_request == network.mtu != link.mtu
