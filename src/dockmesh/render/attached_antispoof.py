"""What comes in from machines outside the mesh, by an interface that is attached to a network: what of it may pass.

IPv4 and ARP from the addresses that are out there, to addresses of the network and to all. So nobody out there takes an
address of a host's or of a container's, and a host is no router for them.

It is the loop guard as well. The mesh sends into a segment with addresses of hosts only, and takes nothing from it that
has one: what went out and comes in again, over whatever wires, ends here.
"""

from collections.abc import Iterator

from dockmesh.plan.types import HostAttachment, HostNetwork, Plan
from dockmesh.render.antispoof import ASKS_FOR_ADDRESS, PROBES, by_prefix, macs_of
from dockmesh.render.openflow import Counts, Flow, drop, flow

MULTICAST, BROADCAST = "224.0.0.0/4", "255.255.255.255"
# Above what drops all the rest, whatever else the table has at 0.
LOWEST = 1


def attached_antispoof(
    plan: Plan, network: HostNetwork, attach: HostAttachment, onward: str, *, table: int
) -> Iterator[Flow]:
    """Flows of `table` for what comes in by one attachment: `onward` is what those do that may pass."""
    port = f"in_port={attach.port}"
    for _, allocation in plan.allocations(network.name):
        for pattern in macs_of(allocation):
            yield drop(table, 120, f"{port},dl_src={pattern}", Counts.LOOPED)
        for words in by_prefix(allocation.prefixes, "ip,nw_src", "arp,arp_spa", ""):
            yield drop(table, 110, f"{port},{words}", Counts.LOOPED)
    for target in (network.prefix, MULTICAST, BROADCAST):
        yield flow(table, 100, f"{port},ip,nw_src={attach.addresses},nw_dst={target}", onward)
    yield flow(table, 100, f"{port},arp,arp_spa={attach.addresses}", onward)
    # Not IPv6: the mesh would not know its own link-local addresses when they come in again.
    for words in (PROBES, *((ASKS_FOR_ADDRESS,) if attach.dhcp else ())):
        yield flow(table, 100, f"{port},{words}", onward)
    yield drop(table, LOWEST, port, Counts.OUTSIDE)
