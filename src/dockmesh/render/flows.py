"""HostPlan → the OpenFlow rules of `direct`, as one text for `ovs-ofctl -O OpenFlow15 bundle br0 FILE`.

What is promised of the text:

- It is the same for the same plan, byte for byte, and needs nothing but the tunnels' OpenFlow ports: the interface to a
  peer requests the peer's number (`HostPlan.number`) as its port.
- A bundle is taken as a whole or not at all. Afterwards all flows are those of the text: what others made and what
  earlier texts left is deleted by its cookie. Counters of the flows that stay keep counting.
- Cookies: the low 8 bits say what a flow counts (`Counts` in openflow.py), the others are a digest of the text.
- A group's id is made of its content, so a group of an earlier text is never wrong, only unused; the text leaves it.

The way of a frame, by table (the constants below): where it came in; from a container or this host, whether its source
is ours and for whom it is; from a tunnel, whether it has a tag; destination; source; whether it came straight from its
source; forward; deliver.

Registers: reg0 is the destination's number, reg1 the source's, reg2 is 1 if it came straight from its source; reg3 is 1
if it came in by an attached interface of this host, and reg4 if it is for somebody behind one.

Frames of a further network have its VLAN tag from where they come in to where they are delivered. Rows for them look at
both, the tag and the addresses: what does not fit together is dropped.

The other kind of tag is an Ethernet address 0f:6d:ss:ss:dd:dd out of both numbers, with the group bit. It stands in for
the destination address of what is copied to each host, or for the source address where the destination must stay. In a
tunnel nothing else has a group address, so a tag is never taken for anything else, nor anything else for a tag.
"""

from collections.abc import Iterable, Iterator

from dockmesh.plan.types import Forward, HostNetwork, HostPlan, Plan
from dockmesh.render.antispoof import antispoof_flows, by_prefix
from dockmesh.render.attached_antispoof import attached_antispoof
from dockmesh.render.neighbours import LINK_LOCAL
from dockmesh.render.openflow import Counts, Flow, Groups, drop, flow, goes_back, text_of

PORT, LOCAL_SOURCE, LOCAL_DESTINATION, TAG, DESTINATION, SOURCE, STRAIGHT, FORWARD, DELIVER = range(9)
# Only on hosts with an attached interface: what comes in there, and what goes out there of what is for all.
OUTSIDE_SOURCE, OUTSIDE_DESTINATION, TO_OUTSIDE = range(9, 12)

GROUP_BIT = "01:00:00:00:00:00/01:00:00:00:00:00"
BROADCAST = "ff:ff:ff:ff:ff:ff"
TAGGED = "vlan_tci=0x1000/0x1000"
# Rows for frames with a tag stand above all those for frames without. So those of docker0, which look at no tag, are
# the same whatever other networks there are, and a network that comes or goes touches none of another's.
RAISE = 1000


def bundle(plan: Plan, host: HostPlan) -> str:
    number = {each.name: each.number for each in plan.hosts}
    groups = Groups(number)
    flows = list(_flows(plan, host, groups, number))
    return text_of(groups.lines(), flows)


def tag(source: int, destination: int) -> str:
    both = f"{source:04x}{destination:04x}"
    return ":".join(["0f", "6d", *(both[place : place + 2] for place in range(0, 8, 2))])


def _flows(plan: Plan, host: HostPlan, groups: Groups, number: dict[str, int]) -> Iterator[Flow]:
    peers = sorted(number[tunnel.peer] for tunnel in host.tunnels)
    yield from _ports(host, peers)
    for network in host.networks:
        yield from _sources_here(plan, host, network)
        yield from _outside(plan, host, network)
    for network in host.networks:
        yield from _destinations(plan, host, network)
    yield from _tags()
    yield from _addresses(plan, host)
    yield from _straight(peers)
    yield from _forwards(host, groups, number)
    yield from _deliver(plan, host)


def _ports(host: HostPlan, peers: Iterable[int]) -> Iterator[Flow]:
    for network in host.networks:
        port = "LOCAL" if network.port is None else network.port
        # As in a bridge's access port: else a container could send what no bridge here looks into.
        yield drop(PORT, 110, f"in_port={port},{TAGGED}", Counts.OTHER)
        onward = f"{_own(network)}set_field:{host.number}->reg1,goto_table:{LOCAL_SOURCE}"
        yield flow(PORT, 100, f"in_port={port}", onward)
        if attach := network.attach:
            yield drop(PORT, 110, f"in_port={attach.port},{TAGGED}", Counts.OUTSIDE)
            yield flow(PORT, 100, f"in_port={attach.port}", f"goto_table:{OUTSIDE_SOURCE}")
    for peer in peers:
        yield flow(PORT, 100, f"in_port={peer}", f"goto_table:{TAG}")
    yield drop(PORT, 0, "", Counts.STRANGE_PORT)


def _own(network: HostNetwork) -> str:
    """Where a frame goes does not hang on its network: from here on it is one of this host's, by one port for all."""
    if network.vlan is None:
        return ""
    return f"{_tagged(network)},set_field:LOCAL->in_port,"


def _tagged(network: HostNetwork) -> str:
    return f"push_vlan:0x8100,set_field:{0x1000 | (network.vlan or 0)}->vlan_vid"


def _outside(plan: Plan, host: HostPlan, network: HostNetwork) -> Iterator[Flow]:
    """What comes in by an attached interface: to this host's own at once, and on as if it came from one of them."""
    if (attach := network.attach) is None:
        return
    port, here = f"in_port={attach.port}", "LOCAL" if network.port is None else f"output:{network.port}"
    yield from attached_antispoof(plan, network, attach, f"goto_table:{OUTSIDE_DESTINATION}", table=OUTSIDE_SOURCE)
    own = _own(network) or "set_field:LOCAL->in_port,"
    onward = f"{own}set_field:{host.number}->reg1,set_field:1->reg3,resubmit(,{LOCAL_DESTINATION})"
    for words in by_prefix(network.prefixes, "ip,nw_dst", "arp,arp_tpa", ""):
        yield flow(OUTSIDE_DESTINATION, 100, f"{port},{words}", here)
    yield flow(OUTSIDE_DESTINATION, 90, f"{port},dl_dst={GROUP_BIT}", f"{here},{onward}")
    yield flow(OUTSIDE_DESTINATION, 0, port, onward)
    # What a container here, or this host, sends to all. What came from there does not go back.
    yield flow(TO_OUTSIDE, *_row(network, 200, "reg3=1"), "drop")
    out = f"output:{attach.port}"
    out = out if network.vlan is None else f"pop_vlan,{out},{_tagged(network)}"
    for words in ("ip", "arp"):
        yield flow(TO_OUTSIDE, *_row(network, 100, words), out)
    yield flow(TO_OUTSIDE, *_row(network, 0, ""), "drop")


def _row(network: HostNetwork | None, priority: int, match: str) -> tuple[int, str]:
    """Priority and match of a row for the frames of one network only."""
    if network is None or network.vlan is None:
        return priority, match
    return RAISE + priority, ",".join(filter(None, [f"dl_vlan={network.vlan}", match]))


def _sources_here(plan: Plan, host: HostPlan, network: HostNetwork) -> Iterator[Flow]:
    """Nobody here sends in the name of another host's containers."""
    base, match = _row(network, 0, "")
    onward = f"goto_table:{LOCAL_DESTINATION}"
    yield from antispoof_flows(plan, host, network, onward, table=LOCAL_SOURCE, base=base, match=match)
    yield drop(LOCAL_SOURCE, base, match, Counts.OTHER)


def _destinations(plan: Plan, host: HostPlan, network: HostNetwork) -> Iterator[Flow]:
    """Who asks all for an address at one host asks that one. What is really for all is copied."""
    table, asked = LOCAL_DESTINATION, f"icmp6,icmp_type=135,dl_dst={GROUP_BIT}"
    others = [(other, allocation) for other, allocation in plan.allocations(network.name) if other.name != host.name]
    copies = _to_all(host, network, (other for other, _ in others), "eth_dst")
    for other, allocation in others:
        actions = (
            f"set_field:{tag(host.number, other.number)}->eth_dst,set_field:{other.number}->reg0,goto_table:{FORWARD}"
        )
        for match in by_prefix(allocation.prefixes, "", f"arp,dl_dst={BROADCAST},arp_tpa", f"{asked},nd_target"):
            yield flow(table, *_row(network, 200, match), actions)
        if allocation.attach:
            yield flow(
                table, *_row(network, 195, f"arp,dl_dst={BROADCAST},arp_tpa={allocation.attach.addresses}"), actions
            )
    if network.attach:
        asked_outside = f"arp,dl_dst={BROADCAST},arp_tpa={network.attach.addresses}"
        yield flow(table, *_row(network, 196, f"reg3=1,{asked_outside}"), copies)
        yield flow(table, *_row(network, 195, asked_outside), f"resubmit(,{TO_OUTSIDE})")
    # A host that tells its own address to all, or asks whether another has it.
    for match in by_prefix(network.prefixes, "", f"arp,dl_dst={BROADCAST},arp_tpa", f"{asked},nd_target"):
        yield flow(table, *_row(network, 200, match), copies)
    yield flow(table, *_row(network, 200, f"{asked},nd_target={LINK_LOCAL}"), copies)
    yield drop(table, *_row(network, 190, f"arp,dl_dst={BROADCAST}"), Counts.NO_HOST)
    yield drop(table, *_row(network, 190, asked), Counts.NO_HOST)
    yield flow(table, *_row(network, 180, f"dl_dst={GROUP_BIT}"), copies)
    # To one machine, but no address says at which host: the answer to a probe, and link-local addresses.
    for match in ("arp,arp_op=2,arp_tpa=0.0.0.0", f"ipv6,ipv6_dst={LINK_LOCAL}"):
        all_others = (other for other, _ in others)
        yield flow(table, *_row(network, 150, match), _to_all(host, network, all_others, "eth_src"))
    for other, allocation in others:
        actions = (
            f"set_field:{tag(host.number, other.number)}->eth_src,set_field:{other.number}->reg0,goto_table:{FORWARD}"
        )
        for match in by_prefix(allocation.prefixes, "", "", f"ipv6,ipv6_src={LINK_LOCAL},ipv6_dst"):
            yield flow(table, *_row(network, 145, match), actions)
    yield flow(table, *_row(network, 0, ""), f"goto_table:{DESTINATION}")


def _to_all(host: HostPlan, network: HostNetwork, others: Iterable[HostPlan], field: str) -> str:
    copies = _copies(host, others, field)
    if network.attach is None:
        return copies
    return f"resubmit(,{TO_OUTSIDE})" + ("" if copies == "drop" else f",{copies}")


def _copies(host: HostPlan, others: Iterable[HostPlan], field: str) -> str:
    """One for each other host, made here and nowhere else: so it comes once at most."""
    made = ",".join(
        f"set_field:{tag(host.number, other.number)}->{field},set_field:{other.number}->reg0,resubmit(,{FORWARD})"
        for other in others
    )
    return made or "drop"


def _tags() -> Iterator[Flow]:
    for match, field in ((f"dl_dst={GROUP_BIT}", "NXM_OF_ETH_DST"), (f"dl_src={GROUP_BIT}", "NXM_OF_ETH_SRC")):
        moves = f"move:{field}[0..15]->NXM_NX_REG0[0..15],move:{field}[16..31]->NXM_NX_REG1[0..15]"
        yield flow(TAG, 200, match, f"{moves},goto_table:{STRAIGHT}")
    yield flow(TAG, 0, "", f"goto_table:{DESTINATION}")


def _addresses(plan: Plan, here: HostPlan) -> Iterator[Flow]:
    """At which hosts the addresses are; also of networks that this host only passes frames on for."""
    allocations = [(host, allocation) for host in plan.hosts for allocation in host.networks]
    for host, allocation in allocations:
        for match in by_prefix(allocation.prefixes, "ip,nw_dst", "arp,arp_tpa", "ipv6,ipv6_dst"):
            yield flow(DESTINATION, *_row(allocation, 100, match), f"set_field:{host.number}->reg0,goto_table:{SOURCE}")
        if allocation.attach:
            out = "set_field:1->reg4," if host.name == here.name else ""
            for match in by_prefix((allocation.attach.addresses,), "ip,nw_dst", "arp,arp_tpa", ""):
                actions = f"{out}set_field:{host.number}->reg0,goto_table:{SOURCE}"
                yield flow(DESTINATION, *_row(allocation, 90, match), actions)
    yield drop(DESTINATION, 0, "", Counts.NO_HOST)
    yield flow(SOURCE, 200, "in_port=LOCAL", f"goto_table:{FORWARD}")
    for host, allocation in allocations:
        for match in by_prefix(allocation.prefixes, "ip,nw_src", "arp,arp_spa", "ipv6,ipv6_src"):
            yield flow(SOURCE, *_row(allocation, 100, match), f"set_field:{host.number}->reg1,goto_table:{STRAIGHT}")
        if allocation.attach:
            for match in by_prefix((allocation.attach.addresses,), "ip,nw_src", "arp,arp_spa", ""):
                yield flow(SOURCE, *_row(allocation, 90, match), f"set_field:{host.number}->reg1,goto_table:{STRAIGHT}")
    yield drop(SOURCE, 0, "", Counts.UNKNOWN_SOURCE)
    if plan.further:
        yield drop(DESTINATION, RAISE, TAGGED, Counts.NO_HOST)
        yield flow(SOURCE, RAISE + 200, f"in_port=LOCAL,{TAGGED}", f"goto_table:{FORWARD}")
        yield drop(SOURCE, RAISE, TAGGED, Counts.UNKNOWN_SOURCE)


def _straight(peers: Iterable[int]) -> Iterator[Flow]:
    for peer in peers:
        yield flow(STRAIGHT, 100, f"in_port={peer},reg1={peer}", f"set_field:1->reg2,goto_table:{FORWARD}")
    yield flow(STRAIGHT, 0, "", f"goto_table:{FORWARD}")


def _forwards(host: HostPlan, groups: Groups, number: dict[str, int]) -> Iterator[Flow]:
    here = host.number
    if any(network.attach for network in host.networks):
        yield flow(FORWARD, 1100, f"reg0={here},reg1={here},reg3=0,reg4=1", f"goto_table:{DELIVER}")
    yield drop(FORWARD, 1000, f"reg0={here},reg1={here}", Counts.OWN)
    yield flow(FORWARD, 900, f"reg0={here}", f"goto_table:{DELIVER}")
    alike = _alike(host.forwards)
    for destination, forward in alike.items():
        yield flow(FORWARD, 100, f"reg0={number[destination]},reg2=1", groups.use(forward))
    for forward in host.forwards:
        if not forward.choices and forward.resort is None:
            continue
        if forward.came_from != forward.source or forward.destination not in alike:
            port = "LOCAL" if forward.came_from is None else number[forward.came_from]
            match = f"in_port={port},reg0={number[forward.destination]},reg1={number[forward.source]}"
            yield flow(FORWARD, 100, match, groups.use(forward))
    yield drop(FORWARD, 0, "", Counts.NO_WAY)


def _alike(forwards: Iterable[Forward]) -> dict[str, Forward]:
    """By destination, where all frames that come straight from their source go to it or back: one of these forwards.

    Then one flow is enough for all sources, also for those whose frames never come here. In a large full mesh, and in
    the middle of a star, that is the difference between the square of the number of hosts and the number.
    It makes no circle: such a frame has passed no other host, and goes to its destination or to its source.
    """
    found: dict[str, Forward] = {}
    others: set[str] = set()
    for forward in forwards:
        if forward.came_from == forward.source:
            same = found.setdefault(forward.destination, forward)
            if forward.choices != (forward.destination,) or goes_back(forward) != goes_back(same):
                others.add(forward.destination)
    return {destination: forward for destination, forward in found.items() if destination not in others}


# Of what a group address is put back into; what is neither IPv4 nor ARP does not come as far, or stays within the mesh.
FOR_OUTSIDE = (f"ip,dl_dst={GROUP_BIT},nw_dst=224.0.0.0/4", f"dl_dst={GROUP_BIT}")


def _deliver(plan: Plan, host: HostPlan) -> Iterator[Flow]:
    """A group address comes back out of the IP address (RFC 1112, RFC 2464); of a copy's source only the bit."""
    for network in host.networks:
        out = "LOCAL" if network.vlan is None else f"pop_vlan,output:{network.port}"
        for priority, match, actions in (
            (200, f"dl_src={GROUP_BIT}", "move:NXM_NX_REG7[0]->NXM_OF_ETH_SRC[40],"),
            (
                190,
                f"ip,dl_dst={GROUP_BIT},nw_dst=224.0.0.0/4",
                "set_field:01:00:5e:00:00:00->eth_dst,move:NXM_OF_IP_DST[0..22]->NXM_OF_ETH_DST[0..22],",
            ),
            (
                190,
                f"ipv6,dl_dst={GROUP_BIT},ipv6_dst=ff00::/8",
                "set_field:33:33:00:00:00:00->eth_dst,move:NXM_NX_IPV6_DST[0..31]->NXM_OF_ETH_DST[0..31],",
            ),
            (180, f"dl_dst={GROUP_BIT}", f"set_field:{BROADCAST}->eth_dst,"),
            (0, "", ""),
        ):
            both = f",output:{network.attach.port}" if network.attach and match in FOR_OUTSIDE else ""
            yield flow(DELIVER, *_row(network, priority, match), f"{actions}{out}{both}")
        if attach := network.attach:
            outside = f"{'' if network.vlan is None else 'pop_vlan,'}output:{attach.port}"
            for words in by_prefix(network.prefixes, "", f"arp,dl_dst={GROUP_BIT},arp_tpa", ""):
                yield flow(DELIVER, *_row(network, 185, words), f"set_field:{BROADCAST}->eth_dst,{out}")
            back = "move:NXM_NX_REG7[0]->NXM_OF_ETH_SRC[40],"
            yield flow(DELIVER, *_row(network, 210, f"arp,dl_src={GROUP_BIT}"), f"{back}{out},output:{attach.port}")
            yield flow(DELIVER, *_row(network, 100, "reg4=1"), outside)
    if plan.further:
        yield drop(DELIVER, RAISE - 1, TAGGED, Counts.NO_HOST)
