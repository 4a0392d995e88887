"""A tunnel as a device of the kernel's: one VXLAN device (RFC 7348) at each end of a link."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from dockmesh.model.tunnel import Tunnel

UNDERLAY_PORT = Tunnel.VXLAN.encapsulation.port or 0
LARGEST_VNI = Tunnel.VXLAN.encapsulation.largest_key


@dataclass(frozen=True, slots=True)
class VxlanDevice:
    """What makes one device another: a living one gets none of it right, it is deleted and made again.

    The addresses are those of the outer packet. None: the device has no such address.
    """

    vni: int
    local: IPv4Address | IPv6Address | None
    remote: IPv4Address | IPv6Address | None
    port: int = UNDERLAY_PORT  # destination port of UDP
    learning: bool = False  # whether it looks for other remotes in what comes in
    df: bool = True  # whether its packets over IPv4 say "don't fragment", as those of Open vSwitch's tunnels do
    external: bool = False  # whether each packet is told its VNI: one such device takes all that come to its port

    def __str__(self) -> str:
        """As people read it; what no device of ours has is said only where it is so."""
        more = (
            *([f"UDP port {self.port}"] if self.port != UNDERLAY_PORT else []),
            *(["learning"] if self.learning else []),
            *(["without DF"] if not self.df else []),
            *(["external"] if self.external else []),
        )
        return ", ".join((f"VNI {self.vni}", f"from {self.local} to {self.remote}", *more))

    def excludes(self, other: "VxlanDevice") -> bool:
        """Whether the kernel refuses the one beside the other on a host.

        It keeps one device a VNI and port of UDP for each family of addresses, and a port that an `external` device
        listens on is for no other kind (`vxlan_config_validate` and `vxlan_sock_add` in drivers/net/vxlan).
        """
        if self.port != other.port:
            return False
        return self.external != other.external or (self.vni == other.vni and self._family() == other._family())

    def _family(self) -> int:
        address = self.remote or self.local
        return 4 if address is None else address.version


def vni(a: IPv4Address, b: IPv4Address, key: int | None) -> int:
    """Of the tunnel between two hosts, by their addresses in docker0.

    Both ends get the same, in either order. For one host it is another for each peer, since `a ^ b` is another for each
    `b`; and it is never 0 without a key. It hangs on these two addresses alone: not on names, on the order of the file,
    or on who else is in the mesh. `key` is added.
    """
    return (key or 0) + (int(a) ^ int(b))


def largest_difference(prefix: IPv4Network) -> int:
    """The largest `a ^ b` of two addresses of a prefix."""
    return prefix.num_addresses - 1
