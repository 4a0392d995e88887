"""A container network, and what one host owns in it."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from dockmesh.model.tunnel import VLAN_TAG

# The name of Docker's default bridge, and of the Open vSwitch bridge that is put into it.
DOCKER_BRIDGE = "docker0"
FABRIC_BRIDGE = "br0"
# The same of a further network: its Linux bridge, and the Open vSwitch bridge that is put into it.
NETWORK_BRIDGE, NETWORK_SWITCH = "dm-", "dmv-"
# Of the patch between these two: its port in the fabric's bridge, and in the network's own.
FABRIC_PORT, SWITCH_PORT = "dmp-", "dmq-"
# Of an interface that is attached to networks: the Open vSwitch bridge that it is in, and the same of its patches.
ATTACH_SWITCH = "dma-"
FABRIC_ATTACH, SWITCH_ATTACH = "dmo-", "dmj-"
# Of a tunnel that is a device of the kernel's and a port of the fabric's bridge; and the Linux bridge that keeps what
# comes in there from the host itself.
TUNNEL_DEVICE = "dmt-"
TUNNEL_SINK = "dmt-sink"

# Of the WireGuard device that all tunnels go through.
ENCRYPTING_DEVICE = "dmw-1"

# What Docker calls its default bridge as a network.
DEFAULT_NETWORK = "bridge"


@dataclass(frozen=True, slots=True)
class Attachment:
    """What joins machines outside the mesh to a network: an interface of one host, with all that is behind it."""

    host: str
    interface: str
    vlan: int | None = None  # the tag of its frames on that interface; None: those without one
    addresses: IPv4Network | None = None  # that are out there; None: all of the prefix that are no host's
    dhcp: bool = False  # whether containers and machines out there may give each other addresses


@dataclass(frozen=True, slots=True)
class Network:
    """A container network. The first of a mesh is Docker's default bridge, and its frames have no tag."""

    name: str
    prefix: IPv4Network
    vlan: int | None = None  # the tag (IEEE 802.1Q) of its frames between hosts
    internal: bool = False  # no way out of the mesh
    hosts: tuple[str, ...] | None = None  # that are on it, in the order of the file; None: all
    prefix6: IPv6Network | None = None  # beside `prefix`; docker0 has none
    attach: Attachment | None = None

    def has(self, host: str) -> bool:
        return self.hosts is None or host in self.hosts

    def mtu(self, mesh_mtu: int) -> int:
        """What is left of the mesh's MTU where frames have a tag between hosts. In bytes."""
        return mesh_mtu if self.vlan is None else mesh_mtu - VLAN_TAG


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one host owns in one network."""

    network: str
    address: IPv4Address
    pool: IPv4Network
    address6: IPv6Address | None = None  # with `pool6`, where the network has a prefix6
    pool6: IPv6Network | None = None
