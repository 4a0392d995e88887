"""A mesh as its file describes it, checked: what every later stage may take for granted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Any

from dockmesh.debian.deb import Deb
from dockmesh.model.encryption import Encryption, HostEndpoint
from dockmesh.model.network import Allocation, Network
from dockmesh.model.tunnel import Tunnel

ETHERNET_MTU = 1500
DOMAIN = "mesh"  # behind the names of containers and hosts
API_PORT = 2376  # of Docker's API in the mesh: IANA's "docker-s"

# Keys of Docker's daemon.json that dockmesh sets, or that must not stand against it, each with why.
MESH_NEEDS = "what the mesh needs"
DAEMON_KEYS = {
    **dict.fromkeys(("bip", "fixed-cidr", "mtu"), MESH_NEEDS),
    **dict.fromkeys(("dns", "dns-search"), "the resolver, for the names of containers"),
    **dict.fromkeys(("ip6tables", "experimental"), "Docker's rules for IPv6"),
    "labels": "the mark by which dockmesh knows its own",
    "bridge": "Docker's own docker0, so no `bridge`",  # dockerd takes either `bridge` or `bip`, not both
    # Its rule drops what goes from docker0 to docker0, and that is what a frame of another host looks like.
    "icc": "containers that may talk to each other",
}

UnderlayAddress = IPv4Address | IPv6Address


class Forwarding(StrEnum):
    """What keeps frames from looping: a spanning tree, or flows."""

    RSTP = "rstp"
    STP = "stp"
    DIRECT = "direct"

    @property
    def has_tree(self) -> bool:
        """Whether a spanning tree mutes links. Without one all carry frames, and flows say where to."""
        return self is not Forwarding.DIRECT


class Datapath(StrEnum):
    SYSTEM = "system"
    NETDEV = "netdev"


class TunnelDevices(StrEnum):
    """Who makes the devices that packets go into tunnels by, where the datapath is in userspace."""

    OPENVSWITCH = "openvswitch"
    KERNEL = "kernel"


class Guard(StrEnum):
    """Whose tunnels' packets a host takes, where they are not encrypted."""

    OFF = "off"
    PEERS = "peers"


class Renderer(StrEnum):
    SYSTEMD = "systemd"
    IFUPDOWN = "ifupdown"


class Listen(StrEnum):
    """Where Docker's API listens beside its own socket."""

    MESH = "mesh"


@dataclass(frozen=True, slots=True)
class FullMesh:
    """A link between every two hosts."""


@dataclass(frozen=True, slots=True)
class Ring:
    """Each host linked to the next, in the order of their addresses, and the last to the first."""


@dataclass(frozen=True, slots=True)
class Star:
    """Every host linked to one: `hub`, or the one with the lowest address."""

    hub: str | None = None


@dataclass(frozen=True, slots=True)
class Degree:
    """At least `k` links at every host, chosen by the plan so that the mesh hangs together `k` times over."""

    k: int


@dataclass(frozen=True, slots=True)
class Links:
    """These links and no others; each pair in the order of the file."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sites:
    """Hosts in groups: a full mesh within each, and between every two the links of their first two hosts."""

    groups: tuple[tuple[str, tuple[str, ...]], ...]  # by name, both in the order of the file


Topology = FullMesh | Ring | Star | Degree | Links | Sites


@dataclass(frozen=True, slots=True)
class Bfd:
    """Bidirectional Forwarding Detection (RFC 5880) on every tunnel."""

    interval_ms: int = 100
    multiplier: int = 3


@dataclass(frozen=True, slots=True)
class Fabric:
    tunnel: Tunnel = Tunnel.GRE
    key: int | None = None  # of GRE, or the VNI of VXLAN and Geneve; None: no GRE key, VNI 0
    topology: Topology = field(default_factory=FullMesh)
    forwarding: Forwarding = Forwarding.DIRECT
    bfd: Bfd = field(default_factory=Bfd)
    datapath: Datapath = Datapath.SYSTEM
    renderer: Renderer = Renderer.SYSTEMD
    tunnel_devices: TunnelDevices = TunnelDevices.OPENVSWITCH
    encryption: Encryption | None = None  # None: what goes between hosts can be read on its way
    guard: Guard = Guard.OFF

    @property
    def kernel_devices(self) -> bool:
        """Whether tunnels are the kernel's devices, and ports of the fabric's bridge."""
        return self.tunnel_devices is TunnelDevices.KERNEL

    @property
    def in_kernel(self) -> bool:
        """Whether the kernel sends and receives the tunnels' packets, by its routes and its firewall.

        If not, Open vSwitch does so itself, past both.
        """
        return self.datapath is Datapath.SYSTEM or self.kernel_devices


@dataclass(frozen=True, slots=True)
class Ssh:
    """How to reach a host, where the user's ssh_config does not say it under the host's name."""

    host: str | None = None
    user: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Host:
    name: str
    underlay: UnderlayAddress
    allocations: tuple[Allocation, ...]  # in the networks that it is on, in the order of the mesh's: docker0 first
    underlay_mtu: int = ETHERNET_MTU
    ssh: Ssh = field(default_factory=Ssh)
    endpoint: HostEndpoint | None = None  # None: the others find it at its underlay address
    docker: Mapping[str, Any] = field(default_factory=dict, hash=False)  # more keys of its daemon.json

    @property
    def address(self) -> IPv4Address:
        """In docker0."""
        return self.allocations[0].address

    @property
    def pool(self) -> IPv4Network:
        """In docker0."""
        return self.allocations[0].pool

    @property
    def further(self) -> tuple[Allocation, ...]:
        """In the networks after docker0."""
        return self.allocations[1:]


@dataclass(frozen=True, slots=True)
class Mesh:
    """One mesh. Hosts stand in the order of the file; nothing that is built depends on that order.

    `packages` is what the file names, `debs` what was found there; without names both are empty.
    """

    name: str
    fabric: Fabric
    networks: tuple[Network, ...]  # in the order of the file: docker0 first
    hosts: tuple[Host, ...]
    packages: tuple[str, ...] = ()
    debs: tuple[Deb, ...] = ()
    domain: str | None = DOMAIN  # None: no names
    docker_api: Listen | None = None

    @property
    def docker0(self) -> Network:
        return self.networks[0]

    @property
    def further(self) -> tuple[Network, ...]:
        """All networks but docker0."""
        return self.networks[1:]

    @property
    def ip_version(self) -> int:
        """Of the underlay: 4 or 6, the same at all hosts."""
        return self.hosts[0].underlay.version
