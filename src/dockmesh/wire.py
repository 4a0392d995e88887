"""What of a tunnel the underlay sees: what the firewalls on the way must let pass."""

from dataclasses import dataclass

from dockmesh.model.tunnel import Tunnel

UDP_NAMES = ("udp", "17")


@dataclass(frozen=True, slots=True)
class Wire:
    """A tunnel's packets as a firewall tells them."""

    name: str  # as people say it
    protocols: tuple[str, ...]  # the IP protocol, as rules write it
    port: int | None  # destination port of UDP
    modules: tuple[str, ...]  # the kernel's own, for an IPv4 and for an IPv6 underlay

    @property
    def protocol(self) -> str:
        """What must pass, in words."""
        return f"UDP port {self.port}" if self.port else f"IP protocol {self.protocols[-1]}"

    def __str__(self) -> str:
        return f"{self.name} ({self.protocol})"


# The ports are IANA's, and Open vSwitch's defaults (ovs-vswitchd.conf.db(5), `options:dst_port`).
WIRES = {
    Tunnel.GRE: Wire("GRE", ("gre", "47"), None, ("ip_gre", "ip6_gre")),
    Tunnel.VXLAN: Wire("VXLAN", UDP_NAMES, 4789, ("vxlan", "vxlan")),
    Tunnel.GENEVE: Wire("Geneve", UDP_NAMES, 6081, ("geneve", "geneve")),
}
