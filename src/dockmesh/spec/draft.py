"""What is well-formed in a mesh file, with the place of each value: what the rules across fields look at.

A value that is missing or wrong by itself is None here, so that one mistake hides no other.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Generic, TypeVar

from dockmesh.model import (
    DOCKER_BRIDGE,
    NETWORK_BRIDGE,
    Fabric,
    Forwarding,
    FullMesh,
    Tunnel,
    UnderlayAddress,
)
from dockmesh.spec.excerpt import clipped
from dockmesh.spec.problems import Span
from dockmesh.spec.tree import Mapping, Node, Scalar, Sequence, TreePath

Value_co = TypeVar("Value_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Located(Generic[Value_co]):
    value: Value_co
    span: Span


@dataclass(frozen=True, slots=True)
class DraftSeat:
    """What stands at a host for one of the networks after docker0."""

    network: Located[str]
    address: Located[IPv4Address] | None
    pool: Located[IPv4Network] | None
    address6: Located[IPv6Address] | None = None
    pool6: Located[IPv6Network] | None = None


@dataclass(frozen=True, slots=True)
class DraftAttachment:
    """What is wrong by itself, or missing, is None."""

    host: Located[str] | None
    interface: Located[str] | None
    vlan: Located[int] | None
    addresses: Located[IPv4Network] | None


@dataclass(frozen=True, slots=True)
class DraftNetwork:
    """`name` is "" where it is wrong or missing, and `hosts` None where it names none."""

    name: Located[str]
    prefix: Located[IPv4Network] | None
    vlan: Located[int] | None = None
    internal: Located[bool] | None = None
    hosts: tuple[Located[str], ...] | None = None
    hosts_span: Span | None = None
    attach: DraftAttachment | None = None
    whole: bool = True  # nothing of it is wrong by itself
    prefix6: Located[IPv6Network] | None = None


@dataclass(frozen=True, slots=True)
class DraftHost:
    """`ssh_target` is where SSH goes: the name or address of `ssh.host`, or the host's own name, with the port."""

    name: Located[str]
    underlay: Located[UnderlayAddress] | None
    address: Located[IPv4Address] | None
    pool: Located[IPv4Network] | None
    underlay_mtu: Located[int] | None
    ssh_target: Located[tuple[str, int | None]]
    ssh_user: Located[str] | None = None
    seats: tuple[DraftSeat, ...] = ()
    whole: bool = True  # nothing of its seats is wrong by itself
    within: str = ""  # of which network address and pool are, where that is not docker0

    @property
    def shown(self) -> str:
        """The name for a sentence; a wrong name may hold anything."""
        return clipped(self.name.value) + (f" in {clipped(self.within)}" if self.within else "")


@dataclass(frozen=True, slots=True)
class DraftLink:
    ends: tuple[Located[str], Located[str]]
    span: Span


@dataclass(frozen=True, slots=True)
class DraftDegree:
    k: Located[int]


@dataclass(frozen=True, slots=True)
class DraftRing:
    span: Span


@dataclass(frozen=True, slots=True)
class DraftStar:
    """`hub` is None where the plan chooses it."""

    hub: Located[str] | None


@dataclass(frozen=True, slots=True)
class DraftSite:
    name: Located[str]
    hosts: tuple[Located[str], ...]


@dataclass(frozen=True, slots=True)
class DraftSites:
    sites: tuple[DraftSite, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class DraftLinks:
    links: tuple[DraftLink, ...]


DraftTopology = FullMesh | DraftRing | DraftStar | DraftDegree | DraftSites | DraftLinks


@dataclass(frozen=True, slots=True)
class Draft:
    """`tunnel` and `topology` are None when they are wrong by themselves.

    `hosts_given` counts a name that stands twice as two.
    """

    networks: tuple[DraftNetwork, ...]
    networks_span: Span | None
    prefix: Located[IPv4Network] | None
    hosts: tuple[DraftHost, ...]
    hosts_given: int | None
    hosts_span: Span | None
    tunnel: Tunnel | None
    key: Located[int] | None
    forwarding: Forwarding
    topology: DraftTopology | None
    packages: tuple[Located[str], ...] = ()
    domain: Located[str] | None = None
    within: str = ""  # which network prefix and hosts are of, where that is not docker0

    @property
    def the_prefix(self) -> str:
        return f"the prefix of {clipped(self.within)}" if self.within else "the prefix"

    @property
    def bridge(self) -> str:
        """The Linux bridge of the network."""
        return f"{NETWORK_BRIDGE}{clipped(self.within)}" if self.within else DOCKER_BRIDGE

    def of_each_network(self) -> Iterator["Draft"]:
        """Itself, which is about docker0; and for each network after it the same with its prefix, and its hosts."""
        yield self
        for network in self.networks[1:]:
            if network.name.value:
                yield replace(
                    self,
                    prefix=network.prefix,
                    hosts=tuple(
                        replace(host, address=seat.address, pool=seat.pool, within=network.name.value)
                        for host in self.hosts
                        for seat in host.seats
                        if seat.network.value == network.name.value
                    ),
                    within=network.name.value,
                )


@dataclass(frozen=True, slots=True)
class _Reading:
    root: Node
    wrong: AbstractSet[TreePath]

    def node(self, *path: str | int) -> Node | None:
        """What stands at the path, unless something is wrong with it."""
        if path in self.wrong:
            return None
        node: Node | None = self.root
        for step in path:
            match node, step:
                case Mapping(entries=entries), str() if step in entries:
                    node = entries[step].value
                case Sequence(items=items), int() if step < len(items):
                    node = items[step].value
                case _:
                    return None
        return node

    def scalar(self, *path: str | int) -> Scalar | None:
        node = self.node(*path)
        return node if isinstance(node, Scalar) else None

    def text(self, *path: str | int) -> Located[str] | None:
        found = self.scalar(*path)
        return Located(found.value, found.span) if found is not None and isinstance(found.value, str) else None

    def number(self, *path: str | int) -> Located[int] | None:
        found = self.scalar(*path)
        return Located(found.value, found.span) if found is not None and isinstance(found.value, int) else None

    def address(self, *path: str | int) -> Located[IPv4Address] | None:
        found = self.text(*path)
        return None if found is None else Located(IPv4Address(found.value), found.span)

    def underlay(self, *path: str | int) -> Located[UnderlayAddress] | None:
        found = self.text(*path)
        return None if found is None else Located(ip_address(found.value), found.span)

    def network(self, *path: str | int) -> Located[IPv4Network] | None:
        found = self.text(*path)
        return None if found is None else Located(IPv4Network(found.value), found.span)

    def address6(self, *path: str | int) -> Located[IPv6Address] | None:
        found = self.text(*path)
        return None if found is None else Located(IPv6Address(found.value), found.span)

    def network6(self, *path: str | int) -> Located[IPv6Network] | None:
        found = self.text(*path)
        return None if found is None else Located(IPv6Network(found.value), found.span)


def draft(root: Node, wrong: AbstractSet[TreePath]) -> Draft:
    """The well-formed part of the tree; `wrong` are the paths of the values that are wrong by themselves."""
    read = _Reading(root, wrong)
    networks, hosts = read.node("networks"), read.node("hosts")
    forwarding = read.text("fabric", "forwarding")
    return Draft(
        networks=_networks(read, networks),
        networks_span=networks.span if isinstance(networks, Sequence) else None,
        prefix=read.network("networks", 0, "prefix"),
        hosts=tuple(_host(read, entry.key) for entry in hosts.entries.values()) if isinstance(hosts, Mapping) else (),
        hosts_given=len(hosts.entries) + len(hosts.repeated) if isinstance(hosts, Mapping) else None,
        hosts_span=root.entries["hosts"].key.span if isinstance(root, Mapping) and "hosts" in root.entries else None,
        tunnel=_tunnel(read),
        key=read.number("fabric", "key"),
        forwarding=Fabric().forwarding if forwarding is None else Forwarding(forwarding.value),
        topology=_topology(read),
        packages=_packages(read),
        domain=read.text("domain"),
    )


def _tunnel(read: _Reading) -> Tunnel | None:
    if ("fabric",) in read.wrong or ("fabric", "tunnel") in read.wrong:
        return None
    tunnel = read.text("fabric", "tunnel")
    return Fabric().tunnel if tunnel is None else Tunnel(tunnel.value)


def _networks(read: _Reading, networks: Node | None) -> tuple[DraftNetwork, ...]:
    if not isinstance(networks, Sequence):
        return ()
    found = []
    for index, network in enumerate(item.value for item in networks.items):
        path = ("networks", index)
        internal = read.scalar(*path, "internal")
        hosts = read.node(*path, "hosts")
        names = (
            tuple(name for place in range(len(hosts.items)) if (name := read.text(*path, "hosts", place)))
            if isinstance(hosts, Sequence)
            else None
        )
        found.append(
            DraftNetwork(
                name=read.text(*path, "name") or Located("", network.span),
                prefix=read.network(*path, "prefix"),
                vlan=read.number(*path, "vlan"),
                internal=Located(bool(internal.value), internal.span) if internal else None,
                hosts=names,
                hosts_span=hosts.span if hosts is not None else None,
                attach=_attachment(read, (*path, "attach")),
                whole=not any(wrong[:2] == path for wrong in read.wrong),
                prefix6=read.network6(*path, "prefix6"),
            )
        )
    return tuple(found)


def _attachment(read: _Reading, path: TreePath) -> DraftAttachment | None:
    if not isinstance(read.node(*path), Mapping):
        return None
    return DraftAttachment(
        host=read.text(*path, "host"),
        interface=read.text(*path, "interface"),
        vlan=read.number(*path, "vlan"),
        addresses=read.network(*path, "addresses"),
    )


def _seats(read: _Reading, host: str) -> tuple[DraftSeat, ...]:
    path = ("hosts", host, "networks")
    networks = read.node(*path)
    if not isinstance(networks, Mapping):
        return ()
    return tuple(
        DraftSeat(
            Located(name, entry.key.span),
            read.address(*path, name, "address"),
            read.network(*path, name, "pool"),
            read.address6(*path, name, "address6"),
            read.network6(*path, name, "pool6"),
        )
        for name, entry in networks.entries.items()
    )


def _packages(read: _Reading) -> tuple[Located[str], ...]:
    """Each path that is named, alone or in a list."""
    named = read.node("packages", "from")
    places: list[tuple[str | int, ...]] = [("packages", "from")]
    if isinstance(named, Sequence):
        places = [("packages", "from", index) for index in range(len(named.items))]
    return tuple(path for place in places if (path := read.text(*place)))


def _host(read: _Reading, key: Scalar) -> DraftHost:
    path = ("hosts", key.text)
    ssh_host = read.text(*path, "ssh", "host") or Located(key.text, key.span)
    port = read.number(*path, "ssh", "port")
    return DraftHost(
        name=Located(key.text, key.span),
        underlay=read.underlay(*path, "underlay"),
        address=read.address(*path, "address"),
        pool=read.network(*path, "pool"),
        underlay_mtu=read.number(*path, "underlay_mtu"),
        ssh_target=Located((ssh_host.value, port.value if port else None), ssh_host.span),
        ssh_user=read.text(*path, "ssh", "user"),
        seats=_seats(read, key.text),
        whole=not any(wrong[:3] == (*path, "networks") for wrong in read.wrong),
    )


def _topology(read: _Reading) -> DraftTopology | None:
    if ("fabric",) in read.wrong or ("fabric", "topology") in read.wrong:
        return None
    topology = read.node("fabric", "topology")
    if not isinstance(topology, Mapping):
        name = read.text("fabric", "topology")
        match name:
            case Located(value="ring", span=span):
                return DraftRing(span)
            case Located(value="star"):
                return DraftStar(None)
            case _:
                return FullMesh()
    if len({"degree", "star", "sites", "links"} & topology.entries.keys()) > 1:
        return None
    if hub := read.text("fabric", "topology", "star"):
        return DraftStar(hub)
    if "sites" in topology.entries:
        sites = _sites(read)
        return None if sites is None else DraftSites(sites, topology.entries["sites"].key.span)
    if degree := read.number("fabric", "topology", "degree"):
        return DraftDegree(degree)
    links = _links(read)
    return None if links is None else DraftLinks(links)


def _sites(read: _Reading) -> tuple[DraftSite, ...] | None:
    """Every site, or None when one of them is no list of names."""
    sites = read.node("fabric", "topology", "sites")
    if not isinstance(sites, Mapping) or sites.repeated:
        return None
    found = []
    for key, entry in sites.entries.items():
        path = ("fabric", "topology", "sites", key)
        hosts = read.node(*path)
        if not isinstance(hosts, Sequence):
            return None
        names = [read.text(*path, index) for index in range(len(hosts.items))]
        if None in names:
            return None
        found.append(DraftSite(Located(key, entry.key.span), tuple(name for name in names if name is not None)))
    return tuple(found)


def _links(read: _Reading) -> tuple[DraftLink, ...] | None:
    """Every link, or None when one of them is no pair of names: what the others connect then means nothing."""
    links = read.node("fabric", "topology", "links")
    if not isinstance(links, Sequence):
        return None
    pairs = []
    for index, link in enumerate(item.value for item in links.items):
        ends = [read.text("fabric", "topology", "links", index, end) for end in (0, 1)]
        if read.node("fabric", "topology", "links", index) is None or ends[0] is None or ends[1] is None:
            return None
        pairs.append(DraftLink((ends[0], ends[1]), link.span))
    return tuple(pairs)
