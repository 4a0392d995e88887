"""Which of the frames that come from a host's own containers may pass: those with its own addresses.

So no container takes an address of another host's, neither that of its bridge nor one of its pool, whatever it does
with a raw socket; none teaches the bridges a MAC address of another host's; and none is a router.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Network

from dockmesh.model.network import Network
from dockmesh.plan.types import HostNetwork, HostPlan, Plan
from dockmesh.render.neighbours import (
    LINK_LOCAL,
    advertisements,
    bridge_alone,
    no_routers,
    not_bridge_of,
    of_bridge,
)
from dockmesh.render.openflow import Counts, Flow, drop, flow, words_of

# Who has no address yet: a probe whether one is taken (RFC 5227, RFC 4862), and DHCP (RFC 2131).
PROBES = "arp,arp_op=1,arp_spa=0.0.0.0"
ASKS_FOR_ADDRESS = "udp,nw_src=0.0.0.0,tp_src=68,tp_dst=67"
WITHOUT_ADDRESS = (f"ipv6,ipv6_src={LINK_LOCAL}", "ipv6,ipv6_src=::", PROBES, ASKS_FOR_ADDRESS)
TO_DHCP_SERVERS, FROM_DHCP_SERVERS = "udp,tp_src=68,tp_dst=67", "udp,tp_src=67,tp_dst=68"
# Docker's MAC addresses, and those of our Linux bridges, are made of their IPv4 addresses.
MADE_OF_IPV4 = (0x02, 0x42)


def antispoof_flows(
    plan: Plan, host: HostPlan, network: HostNetwork, onward: str, *, table: int, base: int, match: str = ""
) -> Iterator[Flow]:
    """Flows of `table`, of priorities from `base` on, for frames of one network: `onward` is what those do that may.

    `match` is put before each match. What is neither IP nor ARP is not looked at, but for its MAC address.
    """
    for other, allocation in plan.allocations(network.name):
        if other.name != host.name:
            for pattern in macs_of(allocation):
                yield drop(table, base + 110, words_of(match, f"dl_src={pattern}"), Counts.SPOOFED)
            yield from not_bridge_of(allocation, table, base + 109, match)
    yield from no_routers(table, base + 109, match)
    yield from _no_dhcp(plan.network(network.name), table, base + 109, match)
    yield from bridge_alone(network, onward, table=table, base=base, match=match)
    yield from _bridge_alone(network, onward, table=table, base=base, match=match)
    yield from advertisements(network, onward, table=table, base=base, match=match)
    for words in by_prefix(network.prefixes, "ip,nw_src", "arp,arp_spa", "ipv6,ipv6_src"):
        yield flow(table, base + 100, words_of(match, words), onward)
    for words in WITHOUT_ADDRESS:
        yield flow(table, base + 100, words_of(match, words), onward)
    for words in ("ip", "arp", "ipv6"):
        yield drop(table, base + 10, words_of(match, words), Counts.SPOOFED)


def _no_dhcp(network: Network, table: int, priority: int, match: str) -> Iterator[Flow]:
    """Docker gives containers their addresses: none of them gives any, or asks machines outside the mesh for theirs."""
    if network.attach is not None and network.attach.dhcp:
        return
    yield drop(table, priority, words_of(match, FROM_DHCP_SERVERS), Counts.SPOOFED)
    if network.attach is not None:
        yield drop(table, priority, words_of(match, TO_DHCP_SERVERS), Counts.PASSED)


def _bridge_alone(network: HostNetwork, onward: str, *, table: int, base: int, match: str) -> Iterator[Flow]:
    """With the addresses of the bridge sends the bridge alone, which is all that there is of this host in the network.

    Else a container would be its own host to all others: their gateway to it, and the resolver that they ask.
    """
    mac, address = network.bridge_mac, network.address.ip
    fields = (f"ip,nw_src={address}", *(f"ipv6,ipv6_src={each}" for each in of_bridge(network)))
    asked = f"arp,arp_spa={address}"
    for words in (f"{asked},arp_sha={mac}", *fields):
        yield flow(table, base + 106, words_of(match, f"{words},dl_src={mac}"), onward)
    for words in (asked, *fields):
        yield drop(table, base + 105, words_of(match, words), Counts.SPOOFED)


def by_prefix(prefixes: Iterable[IPv4Network | IPv6Network], ip: str, arp: str, ipv6: str) -> Iterator[str]:
    """A match for each prefix, for each of the fields that are given."""
    for prefix in prefixes:
        for field in (ipv6,) if isinstance(prefix, IPv6Network) else (ip, arp):
            if field:
                yield f"{field}={prefix}"


def macs_of(allocation: HostNetwork) -> Iterator[str]:
    """Of the Linux bridge and of the containers, where Docker makes these of the IPv4 addresses (until 27)."""
    yield allocation.bridge_mac
    yield _mac_pattern(allocation.pool)


def _mac_pattern(pool: IPv4Network) -> str:
    address, mask = (bytes(start) + each.packed for start, each in _parts(pool))
    return f"{address.hex(':')}/{mask.hex(':')}"


def _parts(pool: IPv4Network) -> tuple[tuple[Iterable[int], IPv4Address], ...]:
    return (MADE_OF_IPV4, pool.network_address), ((0xFF, 0xFF), pool.netmask)
