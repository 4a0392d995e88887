"""What the plan decides, as values: everything that a renderer needs, and everything that a person is shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface, IPv6Network
from typing import Any

from dockmesh.debian.deb import Deb
from dockmesh.model.encryption import HostEndpoint
from dockmesh.model.mesh import Fabric, Listen, Ssh, UnderlayAddress
from dockmesh.model.network import FABRIC_ATTACH, FABRIC_PORT, SWITCH_ATTACH, SWITCH_PORT, TUNNEL_DEVICE, Network
from dockmesh.model.tunnel import Encapsulation, MtuSum, Tunnel, wireguard
from dockmesh.model.vxlan import VxlanDevice
from dockmesh.plan.secrets import Access, MeshKeys

SYSTEM = "system"  # the type of an interface of Open vSwitch's that is a device of the kernel's


@dataclass(frozen=True, slots=True)
class Link:
    """An edge that the topology wants, between two hosts in the order of their bridge addresses."""

    a: str
    b: str


@dataclass(frozen=True, slots=True)
class TunnelEnd:
    """One host's end of a link: an Open vSwitch port towards a peer."""

    port: str
    peer: str
    remote: UnderlayAddress
    kind: Tunnel = Tunnel.GRE
    device: VxlanDevice | None = None  # the kernel's, called as the port is; None: Open vSwitch makes the tunnel itself
    encrypted_to: HostEndpoint | None = None  # where WireGuard takes it to; None: it goes to `remote` in clear

    @property
    def underlay(self) -> UnderlayAddress | None:
        """Where the peer is found, whatever the tunnel goes through; None where nobody knows that beforehand."""
        return self.remote if self.encrypted_to is None else self.encrypted_to.address

    @property
    def stem(self) -> str:
        """What its port's name has before the number."""
        return f"{TUNNEL_DEVICE}{self.kind}" if self.device else str(self.kind)

    @property
    def type(self) -> str:
        """Of its interface, in Open vSwitch's words: `system` is a device that is there."""
        return SYSTEM if self.device else str(self.kind)


@dataclass(frozen=True, slots=True)
class Forward:
    """Under `direct`, what a host does with the frames of one ordered pair of hosts that come in from one place.

    They go to the first peer of `choices` whose tunnel is alive, or else to `resort`, whatever BFD says of it; that may
    be the peer that they came from. Without a resort they are dropped then.
    """

    came_from: str | None  # None: from this host itself
    source: str
    destination: str
    choices: tuple[str, ...]
    resort: str | None


@dataclass(frozen=True, slots=True)
class HostAttachment:
    """What is behind an interface of this host and belongs to one of its networks."""

    network: str
    interface: str
    vlan: int | None
    addresses: IPv4Network  # all that are out there, but for those of hosts
    switch: str  # the Open vSwitch bridge that the interface is in
    switch_mac: str
    port: int  # OpenFlow port of the fabric's bridge that leads there
    dhcp: bool = False  # whether containers and machines out there may give each other addresses

    @property
    def fabric_port(self) -> str:
        """With `switch_port` the two ends of its patch: in the fabric's bridge, and in `switch`."""
        return f"{FABRIC_ATTACH}{self.network}"

    @property
    def switch_port(self) -> str:
        return f"{SWITCH_ATTACH}{self.network}"


@dataclass(frozen=True, slots=True)
class HostNetwork:
    """One network at one host."""

    name: str
    vlan: int | None  # None: untagged, which is docker0
    internal: bool
    address: IPv4Interface  # of its Linux bridge, with the length of the prefix
    pool: IPv4Network
    containers: int  # how many addresses the pool holds for containers
    prefixes: tuple[IPv4Network | IPv6Network, ...]  # all addresses that are at this host and at no other
    mtu: int
    bridge: str  # the Linux bridge that its containers are in
    bridge_mac: str
    switch: str  # the Open vSwitch bridge whose local port is a member of that
    switch_mac: str
    port: int | None  # OpenFlow port of the fabric's bridge that leads there; None: its local port
    address6: IPv6Interface | None = None  # of its Linux bridge, with the length of prefix6; None: IPv4 alone
    pool6: IPv6Network | None = None  # where there is an address6
    attach: HostAttachment | None = None

    @property
    def prefix(self) -> IPv4Network:
        return self.address.network

    @property
    def prefix6(self) -> IPv6Network | None:
        return None if self.address6 is None else self.address6.network

    @property
    def fabric_port(self) -> str:
        """With `switch_port` the two ends of its patch: in the fabric's bridge, and in `switch`. docker0 has none."""
        return f"{FABRIC_PORT}{self.name}"

    @property
    def switch_port(self) -> str:
        return f"{SWITCH_PORT}{self.name}"


@dataclass(frozen=True, slots=True)
class HostPlan:
    name: str
    underlay: UnderlayAddress
    underlay_mtu: int
    ssh: Ssh
    networks: tuple[HostNetwork, ...]  # those that this host is on, docker0 first
    tree_priority: int | None  # without a spanning tree there is none
    tunnels: tuple[TunnelEnd, ...]
    number: int  # of this host in flows, and of the OpenFlow port that leads to it on each of its peers
    forwards: tuple[Forward, ...] = ()  # empty but under `direct`
    inside: IPv4Address | None = None  # its address inside the encryption; None: there is none
    endpoint: HostEndpoint | None = None  # where the others find it, if not at its underlay address
    docker: Mapping[str, Any] = field(default_factory=dict, hash=False)  # more keys of its daemon.json

    @property
    def docker0(self) -> HostNetwork:
        return self.networks[0]

    @property
    def tunnels_from(self) -> UnderlayAddress:
        """The address that its tunnels' packets come from."""
        return self.inside or self.underlay

    @property
    def found_at(self) -> UnderlayAddress | None:
        """Where the others find it; None where they learn that from what it sends."""
        return self.underlay if self.endpoint is None else self.endpoint.address

    @property
    def is_dynamic(self) -> bool:
        """Whether the others learn from what it sends where it is."""
        return self.endpoint is not None and self.endpoint.is_learned

    @property
    def further(self) -> tuple[HostNetwork, ...]:
        return self.networks[1:]

    @property
    def attachments(self) -> tuple[HostAttachment, ...]:
        return tuple(each for network in self.networks if (each := network.attach))

    @property
    def address(self) -> IPv4Interface:
        """Of docker0."""
        return self.docker0.address

    @property
    def pool(self) -> IPv4Network:
        """Of docker0."""
        return self.docker0.pool

    @property
    def has_ipv6(self) -> bool:
        """Whether one of its networks has a prefix6."""
        return any(network.address6 is not None for network in self.networks)

    def on(self, network: str) -> HostNetwork | None:
        return next((each for each in self.networks if each.name == network), None)


@dataclass(frozen=True, slots=True)
class SpanningTree:
    root: str
    backup_root: str
    links: tuple[Link, ...]  # those that carry frames while all is well


@dataclass(frozen=True, slots=True)
class Plan:
    """One mesh, whole. Hosts stand in the order of their bridge addresses, whatever the order of the file."""

    name: str
    fabric: Fabric
    networks: tuple[Network, ...]  # docker0 first
    mtu_sum: MtuSum
    narrowest: tuple[str, ...]  # the hosts whose underlay MTU decided, if not all have the same
    tree: SpanningTree | None  # None under `direct`: all links carry frames
    links: tuple[Link, ...]
    hosts: tuple[HostPlan, ...]
    left_out: tuple[Link, ...] = ()  # which the topology wants, and neither end of which knows where the other is
    debs: tuple[Deb, ...] = ()  # carried to hosts that need them
    domain: str | None = None  # behind the names of containers; None: no names
    docker_api: Listen | None = None
    access: Access | None = None  # None: nobody was let in yet, or this machine does not know whom
    keys: MeshKeys = field(default_factory=MeshKeys)  # empty without encryption

    @property
    def wire(self) -> Encapsulation:
        """What the underlay sees of a tunnel, and must let pass."""
        encryption = self.fabric.encryption
        return self.fabric.tunnel.encapsulation if encryption is None else wireguard(encryption.port)

    @property
    def has_tree(self) -> bool:
        """Whether a spanning tree keeps frames from looping. Without one all links carry them, as flows say."""
        return self.tree is not None

    @property
    def root(self) -> str | None:
        """Of the spanning tree, where there is one."""
        return None if self.tree is None else self.tree.root

    @property
    def carrying(self) -> tuple[Link, ...]:
        """The links that carry frames while all is well."""
        return self.links if self.tree is None else self.tree.links

    @property
    def prefix(self) -> IPv4Network:
        """Of docker0."""
        return self.networks[0].prefix

    @property
    def further(self) -> tuple[Network, ...]:
        """All networks but docker0."""
        return self.networks[1:]

    @property
    def mtu(self) -> int:
        """Of docker0; a further network has less, for its tag."""
        return self.mtu_sum.mtu

    def mtu_of(self, network: Network) -> int:
        return network.mtu(self.mtu)

    def network(self, name: str) -> Network:
        return next(network for network in self.networks if network.name == name)

    def allocations(self, network: str) -> tuple[tuple["HostPlan", HostNetwork], ...]:
        """The hosts that are on a network, each with what it has there."""
        found = ((host, host.on(network)) for host in self.hosts)
        return tuple((host, allocation) for host, allocation in found if allocation is not None)

    @property
    def ip_version(self) -> int:
        """Of the underlay: 4 or 6, the same at all hosts."""
        return self.hosts[0].underlay.version

    def host(self, name: str) -> HostPlan:
        return next(host for host in self.hosts if host.name == name)
