"""What a host's own containers may say by Neighbor Discovery of IPv6 (RFC 4861): whose their own addresses are.

OpenFlow's `icmp6` looks behind headers of options, where a careless guard does not (RFC 7113). What is in fragments the
kernel does not take for Neighbor Discovery (RFC 6980).
"""

from collections.abc import Iterator
from ipaddress import IPv6Address, IPv6Network

from dockmesh.plan.types import HostNetwork
from dockmesh.render.openflow import Counts, Flow, drop, flow, words_of

LINK_LOCAL = "fe80::/10"
# RFC 4861, section 4.
ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT, REDIRECT = range(133, 138)
NOT_SAID = "00:00:00:00:00:00"  # to OpenFlow, a link-layer address that the message does not have


def no_routers(table: int, priority: int, match: str) -> Iterator[Flow]:
    """Nobody here is a router, in any network: every host is on a container's link, whether it has IPv6 there or not.

    So there is nobody to ask for one, which every container with IPv6 does when it starts. That is no forgery, and not
    counted; but whoever forwards would learn a MAC address from it.
    """
    for kind in (ROUTER_ADVERTISEMENT, REDIRECT):
        yield drop(table, priority, words_of(match, f"icmp6,icmp_type={kind}"), Counts.SPOOFED)
    yield drop(table, priority, words_of(match, f"icmp6,icmp_type={ROUTER_SOLICITATION}"), Counts.PASSED)


def link_local(mac: str) -> IPv6Address:
    """What the kernel gives a device with this MAC address (RFC 4291, appendix A)."""
    first, *rest = bytes.fromhex(mac.replace(":", ""))
    return IPv6Address(bytes.fromhex("fe80000000000000") + bytes([first ^ 2, *rest[:2], 0xFF, 0xFE, *rest[2:]]))


def of_bridge(network: HostNetwork) -> tuple[IPv6Address, ...]:
    """The addresses of its Linux bridge."""
    known = () if network.address6 is None else (network.address6.ip,)
    return (*known, link_local(network.bridge_mac))


def bridge_alone(network: HostNetwork, onward: str, *, table: int, base: int, match: str) -> Iterator[Flow]:
    """Of the addresses of the bridge the bridge alone says whose they are: its own MAC address.

    The MAC address that the message tells of is looked at as well as the frame's, for that is what others keep.
    """
    mac, addresses = network.bridge_mac, of_bridge(network)
    asks, tells = (f"icmp6,icmp_type={kind}" for kind in (NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT))
    for source in addresses:
        by_bridge = f"ipv6_src={source},dl_src={mac}"
        for said in (mac, NOT_SAID):
            yield flow(table, base + 108, words_of(match, f"{asks},{by_bridge},nd_sll={said}"), onward)
            for target in addresses:
                words = f"{tells},{by_bridge},nd_target={target},nd_tll={said}"
                yield flow(table, base + 108, words_of(match, words), onward)
    for address in addresses:
        for words in (f"{tells},nd_target={address}", f"{tells},ipv6_src={address}", f"{asks},ipv6_src={address}"):
            yield drop(table, base + 107, words_of(match, words), Counts.SPOOFED)


def not_bridge_of(other: HostNetwork, table: int, priority: int, match: str) -> Iterator[Flow]:
    """Its link-local address is in nobody's prefix."""
    theirs = link_local(other.bridge_mac)
    for words in (f"ipv6,ipv6_src={theirs}", f"icmp6,icmp_type={NEIGHBOUR_ADVERTISEMENT},nd_target={theirs}"):
        yield drop(table, priority, words_of(match, words), Counts.SPOOFED)


def advertisements(network: HostNetwork, onward: str, *, table: int, base: int, match: str) -> Iterator[Flow]:
    """Whose address is whose is said by this host of its own."""
    advertised = f"icmp6,icmp_type={NEIGHBOUR_ADVERTISEMENT}"
    own = [str(prefix) for prefix in network.prefixes if isinstance(prefix, IPv6Network)]
    for source in (*own, LINK_LOCAL):
        for target in (*own, LINK_LOCAL):
            words = f"{advertised},ipv6_src={source},nd_target={target}"
            yield flow(table, base + 104, words_of(match, words), onward)
    yield drop(table, base + 103, words_of(match, advertised), Counts.SPOOFED)
