"""The kinds of tunnels: what of each the underlay sees, and what it leaves for an IP packet of a container."""

from dataclasses import dataclass
from enum import StrEnum

from dockmesh.model.encryption import HEADER, TAG

# Bytes that one frame gains on its way into the underlay.
# RFC 791 and RFC 8200 (IP without options); RFC 2784 and RFC 2890 (GRE, its key); RFC 768 (UDP); RFC 7348 (VXLAN);
# RFC 8926 (Geneve without options); IEEE 802.3 without preamble and FCS.
OUTER_IP = {4: 20, 6: 40}
GRE_HEADER, GRE_KEY = 4, 4
UDP_HEADER = 8
INNER_ETHERNET = 14
VLAN_TAG = 4  # IEEE 802.1Q

# Between the outer header and a tunnel's own, with IPv4 inside.
WIREGUARD = (
    ("UDP header", UDP_HEADER),
    ("WireGuard header and tag", HEADER + TAG),
    ("IPv4 header inside", OUTER_IP[4]),
)
UDP_NAMES = ("udp", "17")


@dataclass(frozen=True, slots=True)
class Encapsulation:
    """A kind of tunnel on the wire, as a firewall, a kernel and an MTU see it."""

    name: str  # as people say it
    protocols: tuple[str, ...]  # the IP protocol, as rules write it: its name and its number
    port: int | None  # destination port of UDP
    modules: tuple[str, ...]  # the kernel's own, for an IPv4 and for an IPv6 underlay
    headers: tuple[tuple[str, int], ...]  # after the outer IP header, in bytes
    key_header: int  # bytes that a key adds to them
    key_name: str
    largest_key: int  # the largest number that the header has room for

    @property
    def protocol(self) -> str:
        """What must pass, in words."""
        return f"UDP port {self.port}" if self.port else f"IP protocol {self.protocols[-1]}"

    def __str__(self) -> str:
        return f"{self.name} ({self.protocol})"


class Tunnel(StrEnum):
    GRE = "gre"
    VXLAN = "vxlan"
    GENEVE = "geneve"

    @property
    def encapsulation(self) -> Encapsulation:
        return ENCAPSULATIONS[self]


def _over_udp(name: str, port: int, module: str) -> Encapsulation:
    """VXLAN and Geneve: 8 bytes of header each, with a VNI of 24 bits in it (RFC 7348, RFC 8926)."""
    headers = (("UDP header", UDP_HEADER), (f"{name} header", 8))
    return Encapsulation(name, UDP_NAMES, port, (module, module), headers, 0, "VNI", 2**24 - 1)


# The ports are IANA's, and Open vSwitch's defaults (ovs-vswitchd.conf.db(5), `options:dst_port`).
ENCAPSULATIONS = {
    Tunnel.GRE: Encapsulation(
        "GRE", ("gre", "47"), None, ("ip_gre", "ip6_gre"), (("GRE header", GRE_HEADER),), GRE_KEY, "key", 2**32 - 1
    ),
    Tunnel.VXLAN: _over_udp("VXLAN", 4789, "vxlan"),
    Tunnel.GENEVE: _over_udp("Geneve", 6081, "geneve"),
}


def wireguard(port: int) -> Encapsulation:
    """What the underlay sees of any tunnel inside."""
    headers = (("UDP header", UDP_HEADER), ("WireGuard header and tag", HEADER + TAG))
    return Encapsulation("WireGuard", UDP_NAMES, port, ("wireguard", "wireguard"), headers, 0, "key", 0)


@dataclass(frozen=True, slots=True)
class MtuSum:
    """An underlay's MTU, and what is taken from it, outermost first. All in bytes."""

    underlay: int
    parts: tuple[tuple[str, int], ...]

    @property
    def mtu(self) -> int:
        return self.underlay - sum(size for _, size in self.parts)

    def lines(self) -> tuple[str, ...]:
        """The sum as a person would write it down, one line an entry."""
        rows = [("underlay MTU", self.underlay), *((name, -size) for name, size in self.parts)]
        return (*(f"{size:>6}  {name}".replace("-", "−") for name, size in rows), f"{self.mtu:>6}  overlay MTU")


def overlay_mtu(
    underlay_mtu: int, tunnel: Tunnel, ip_version: int, *, key: bool, tagged: bool = False, encrypted: bool = False
) -> MtuSum:
    """The largest IP packet that fits through the tunnel in one outer packet.

    `key`: whether the file gives one; `tagged`: whether frames have a VLAN tag between hosts; `encrypted`: whether
    WireGuard carries the tunnel, and then that goes over IPv4 inside it.
    Open vSwitch sets DF on the outer packet, so one byte more is lost, not fragmented.
    """
    kind = tunnel.encapsulation
    return MtuSum(
        underlay_mtu,
        (
            (f"outer IPv{ip_version} header", OUTER_IP[ip_version]),
            *(WIREGUARD if encrypted else ()),
            *kind.headers,
            *([(f"{kind.name} {kind.key_name}", kind.key_header)] if key and kind.key_header else []),
            ("inner Ethernet header", INNER_ETHERNET),
            *([("VLAN tag", VLAN_TAG)] if tagged else []),
        ),
    )
