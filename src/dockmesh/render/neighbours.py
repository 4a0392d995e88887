"""What a host's own containers may say by Neighbor Discovery of IPv6 (RFC 4861): whose their own addresses are.

OpenFlow's `icmp6` looks behind headers of options, where a careless guard does not (RFC 7113). What is in fragments the
kernel does not take for Neighbor Discovery (RFC 6980).
"""

from collections.abc import Iterator
from ipaddress import IPv6Network

from dockmesh.plan.types import HostNetwork
from dockmesh.render.openflow import Counts, Flow, drop, flow, words_of

LINK_LOCAL = "fe80::/10"
# RFC 4861, section 4.
ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, NEIGHBOUR_ADVERTISEMENT, REDIRECT = 133, 134, 136, 137


def no_routers(table: int, priority: int, match: str) -> Iterator[Flow]:
    """Nobody here is a router, in any network: every host is on a container's link, whether it has IPv6 there or not.

    So there is nobody to ask for one, which every container with IPv6 does when it starts. That is no forgery, and not
    counted; but whoever forwards would learn a MAC address from it.
    """
    for kind in (ROUTER_ADVERTISEMENT, REDIRECT):
        yield drop(table, priority, words_of(match, f"icmp6,icmp_type={kind}"), Counts.SPOOFED)
    yield drop(table, priority, words_of(match, f"icmp6,icmp_type={ROUTER_SOLICITATION}"), Counts.PASSED)


def advertisements(network: HostNetwork, onward: str, *, table: int, base: int, match: str) -> Iterator[Flow]:
    """Whose address is whose is said by this host of its own."""
    advertised = f"icmp6,icmp_type={NEIGHBOUR_ADVERTISEMENT}"
    own = [str(prefix) for prefix in network.prefixes if isinstance(prefix, IPv6Network)]
    for source in (*own, LINK_LOCAL):
        for target in (*own, LINK_LOCAL):
            words = f"{advertised},ipv6_src={source},nd_target={target}"
            yield flow(table, base + 104, words_of(match, words), onward)
    yield drop(table, base + 103, words_of(match, advertised), Counts.SPOOFED)
