"""What the tunnels leave for an IP packet of a container, with each subtrahend named."""

from dataclasses import dataclass

from dockmesh.model.tunnel import Tunnel

# Bytes that one frame gains on its way into the underlay.
# RFC 791 and RFC 8200 (IP without options); RFC 2784 and RFC 2890 (GRE, its key); RFC 768 (UDP); RFC 7348 (VXLAN);
# RFC 8926 (Geneve without options); IEEE 802.3 without preamble and FCS.
OUTER_IP = {4: 20, 6: 40}
GRE_HEADER, GRE_KEY = 4, 4
UDP_HEADER = 8
OVER_UDP = {Tunnel.VXLAN: ("VXLAN header", 8), Tunnel.GENEVE: ("Geneve header", 8)}
INNER_ETHERNET = 14
VLAN_TAG = 4  # IEEE 802.1Q


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


def tagged(mtu: int) -> int:
    """What is left of the mesh's MTU in a network whose frames have a tag between hosts. In bytes."""
    return mtu - VLAN_TAG


def overlay_mtu(underlay_mtu: int, tunnel: Tunnel, ip_version: int, *, key: bool) -> MtuSum:
    """The largest IP packet that fits through the tunnel in one outer packet; `key`: whether the file gives one.

    Open vSwitch sets DF on the outer packet, so one byte more is lost, not fragmented.
    """
    return MtuSum(
        underlay_mtu,
        (
            (f"outer IPv{ip_version} header", OUTER_IP[ip_version]),
            *_tunnel_headers(tunnel, key=key),
            ("inner Ethernet header", INNER_ETHERNET),
        ),
    )


def _tunnel_headers(tunnel: Tunnel, *, key: bool) -> tuple[tuple[str, int], ...]:
    """A VNI has its place in every header; a GRE key makes the header longer."""
    if tunnel is Tunnel.GRE:
        return (("GRE header", GRE_HEADER), *((("GRE key", GRE_KEY),) if key else ()))
    return (("UDP header", UDP_HEADER), OVER_UDP[tunnel])
