"""What a host says of itself, as values. None where the host did not say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network

from dockmesh.debian.select import Installed
from dockmesh.model.mesh import UnderlayAddress
from dockmesh.model.vxlan import VxlanDevice

# Docker's version from which on it keeps networks apart in IPv6 without being told.
IPV6_RULES_BY_DEFAULT = 27


@dataclass(frozen=True, slots=True)
class LinuxLink:
    """A network device as the kernel sees it."""

    name: str
    mtu: int
    up: bool
    mac: str
    master: str | None = None
    kind: str | None = None  # "bridge", "veth", …; None for a real device
    addresses: tuple[IPv4Interface, ...] = ()
    addresses6: tuple[IPv6Interface, ...] = ()  # without link-local ones
    stp: bool = False  # of a bridge
    routers: bool = False  # whether it takes routes and addresses from router advertisements
    index: int = 0
    parent: str | None = None  # the device that it is on, as a VLAN's
    alias: str | None = None  # what somebody wrote at it, for whoever looks
    vxlan: VxlanDevice | None = None  # of a VXLAN device
    gro: bool | None = None  # whether the kernel merges what comes in; None: not asked

    def has(self, address: UnderlayAddress) -> bool:
        return address in self.ips

    @property
    def ips(self) -> tuple[UnderlayAddress, ...]:
        return (*(each.ip for each in self.addresses), *(each.ip for each in self.addresses6))


@dataclass(frozen=True, slots=True)
class OvsInterface:
    """An interface with the settings of its port; in a fabric each port has one interface."""

    name: str
    type: str
    options: Mapping[str, str]
    bfd: Mapping[str, str]
    bfd_status: Mapping[str, str]
    external_ids: Mapping[str, str]
    error: str | None
    mtu_request: int | None
    tag: int | None
    vlan_mode: str | None
    tree_status: Mapping[str, str]  # rstp_status or status (STP) of the port
    ofport: int | None = None  # the number of its OpenFlow port
    ofport_request: int | None = None
    other_config: Mapping[str, str] = field(default_factory=dict)  # of the port


@dataclass(frozen=True, slots=True)
class OvsBridge:
    name: str
    datapath_type: str
    rstp: bool
    stp: bool
    fail_mode: str | None
    other_config: Mapping[str, str]
    external_ids: Mapping[str, str]
    tree_status: Mapping[str, str]
    interfaces: tuple[OvsInterface, ...]

    def interface(self, name: str) -> OvsInterface | None:
        return next((interface for interface in self.interfaces if interface.name == name), None)


@dataclass(frozen=True, slots=True)
class Place:
    """A container's in one of Docker's networks."""

    network: str  # Docker's name: `bridge` is that of the default bridge
    address: str
    mac: str | None = None
    address6: str | None = None


@dataclass(frozen=True, slots=True)
class Container:
    id: str
    name: str
    address: str | None  # on the default bridge
    places: tuple[Place, ...] = ()  # in all networks where it has an address, by their names
    networks: tuple[str, ...] = ()  # those and others that it is on, by Docker's names


@dataclass(frozen=True, slots=True)
class DockerNetwork:
    """A network of Docker's beside those that it makes itself. None: it has none, or its driver chooses."""

    name: str
    driver: str
    internal: bool
    prefixes: tuple[IPv4Network, ...]
    gateway: str | None
    pool: IPv4Network | None
    mtu: int | None
    bridge: str | None
    labels: Mapping[str, str] = field(default_factory=dict)
    ipv6: bool = False
    prefixes6: tuple[IPv6Network, ...] = ()
    gateway6: str | None = None
    pool6: IPv6Network | None = None


@dataclass(frozen=True, slots=True)
class Docker:
    """A running daemon, and what it really uses for its default bridge, whatever its files say."""

    version: str
    live_restore: bool
    prefix: IPv4Network | None
    gateway: str | None
    pool: IPv4Network | None
    mtu: int | None
    containers: tuple[Container, ...]  # the running ones
    default_bridge: str | None
    networks: tuple[DockerNetwork, ...] = ()  # sorted by name
    experimental: bool = False

    @property
    def keeps_ipv6_apart(self) -> bool:
        """As far as it says: until 27 its rules for IPv6 are an experiment, and must be asked for."""
        number = self.version.partition(".")[0]
        return self.experimental or (number.isdecimal() and int(number) >= IPV6_RULES_BY_DEFAULT)

    def unlike(
        self, address: IPv4Interface, pool: IPv4Network, mtu: int | None = None
    ) -> dict[str, tuple[object, object]]:
        """By what it is, what it uses for its default bridge and what it should, where these are not the same.

        Without `mtu` that is no matter.
        """
        pairs: dict[str, tuple[object, object]] = {
            "address": (self.gateway, str(address.ip)),
            "prefix": (self.prefix, address.network),
            "pool": (self.pool, pool),
            "MTU": (self.mtu, self.mtu if mtu is None else mtu),
        }
        return {what: (used, wanted) for what, (used, wanted) in pairs.items() if used != wanted}

    def network(self, name: str) -> DockerNetwork | None:
        return next((network for network in self.networks if network.name == name), None)

    def on(self, network: str) -> tuple[str, ...]:
        """The names of the running containers on a network."""
        return tuple(each.name for each in self.containers if network in each.networks)


@dataclass(frozen=True, slots=True)
class FileState:
    text: str
    mode: int


@dataclass(frozen=True, slots=True)
class FlowState:
    """How the flows and groups of the fabric's bridge differ from those that are wanted; flows in the switch's words.

    Groups that no wanted flow uses are left by earlier ones, and harm nobody.
    """

    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    groups_missing: tuple[int, ...] = ()
    groups_changed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Packages:
    """What dpkg has installed."""

    architecture: str
    installed: Mapping[str, Installed]


@dataclass(frozen=True, slots=True)
class HostKeys:
    """Of the encryption: its public key, None where it has none, and by peer the fingerprint of a preshared key.

    `peers`: the public keys of others, as its device has them.
    """

    public: str | None
    preshared: Mapping[str, str]
    peers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HostFacts:
    name: str
    programs: frozenset[str]  # which of the needed ones are there
    system: str  # PRETTY_NAME of os-release
    units: Mapping[str, Mapping[str, str]]
    links: tuple[LinuxLink, ...]
    ovs: tuple[OvsBridge, ...] | None  # None: Open vSwitch does not run, or its database does not answer
    docker: Docker | None  # None: the daemon does not answer
    files: Mapping[str, FileState] = field(default_factory=dict)
    kernel_datapath: bool = True
    switch_version: str | None = None  # of Open vSwitch; None: its database does not answer, or says none
    flows: FlowState | None = None  # asked only where flows are wanted; None: the bridge does not say, or is not there
    packages: Packages | None = None  # asked only where the mesh brings packages of its own
    keys: HostKeys | None = None  # asked only where the mesh encrypts
    kernel_wireguard: bool = True

    @property
    def package_manager(self) -> bool:
        return "apt-get" in self.programs

    def link(self, name: str) -> LinuxLink | None:
        return next((link for link in self.links if link.name == name), None)

    def bridge(self, name: str) -> OvsBridge | None:
        return next((bridge for bridge in self.ovs or () if bridge.name == name), None)

    def remote_of(self, port: OvsInterface) -> str | None:
        """Where a tunnel leads, whether Open vSwitch makes it or it is a device of the kernel's; None: nowhere."""
        link = self.link(port.name)
        device = link.vxlan if link else None
        return str(device.remote) if device and device.remote else port.options.get("remote_ip")

    def file(self, path: str) -> str | None:
        state = self.files.get(path)
        return state.text if state else None
