"""Faults on real hosts, as requests: drop what comes in through some tunnels, and have it end by itself. Pure.

Only the tunnels' own packets are dropped, and only where they come in: SSH and all else of the underlay passes. In the
kernel that is a table of nftables of our own; a datapath in userspace whose tunnels Open vSwitch makes takes packets
before any firewall sees them, so there it is a flow of the bridge that has the underlay address, with a cookie of our
own.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from dockmesh.drill.types import Fault, FaultKind
from dockmesh.model.tunnel import Encapsulation
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.transport.requests import Exec

UNIT = "dockmesh-drill-heal"
TABLE = "dockmesh_drill"
COOKIE = "0xd0c4d711"
BURST_BYTES = 3000
COUNTED = re.compile(r"counter packets (\d+)|n_packets=(\d+)")


@dataclass(frozen=True, slots=True)
class Drop:
    """On one host: what comes from these peers. `bridge`: of the userspace datapath; None: the kernel's."""

    host: HostPlan
    peers: tuple[HostPlan, ...]
    bridge: str | None


def deaf(plan: Plan, fault: Fault) -> dict[str, tuple[str, ...]]:
    """By host the linked peers that it hears no more, or less of."""
    linked = {host.name: [end.peer for end in host.tunnels] for host in plan.hosts}
    match fault.kind:
        case FaultKind.ONE_WAY:
            source, target = fault.hosts
            return {target: (source,)}
        case FaultKind.PARTITION:
            side = set(fault.hosts)
            across = {name: tuple(peer for peer in linked[name] if (peer in side) != (name in side)) for name in linked}
            return {name: peers for name, peers in across.items() if peers}
        case _:
            a, b = fault.hosts
            return {a: (b,), b: (a,)}


def inject(plan: Plan, fault: Fault, drop: Drop) -> tuple[Exec, ...]:
    _, in_bridge = tunnel_matches(plan.wire)
    if drop.bridge is not None:
        return tuple(
            Exec(
                (
                    *("ovs-ofctl", "add-flow", drop.bridge),
                    f"cookie={COOKIE},priority=65535,{_source(peer)},{in_bridge},actions=drop",
                )
            )
            for peer in drop.peers
        )
    rules = "".join(f"    {_from(plan, peer)} {_share(fault)}counter drop\n" for peer in drop.peers)
    chain = f"  chain input {{\n    type filter hook input priority -300; policy accept;\n{rules}  }}\n"
    return (Exec(("nft", "-f", "-"), stdin=f"table inet {TABLE} {{\n{chain}}}\n"),)


def _from(plan: Plan, peer: HostPlan) -> str:
    """In nft's words. Behind a NAT a host has another address on the way, so what it encrypted is matched inside."""
    if peer.endpoint is not None:
        return f"ip saddr {peer.inside} {tunnel_matches(plan.fabric.tunnel.encapsulation)[0]}"
    return f"{_family(peer.underlay)} saddr {peer.underlay} {tunnel_matches(plan.wire)[0]}"


def tunnel_matches(wire: Encapsulation) -> tuple[str, str]:
    """How a tunnel's packets are told from others, for nft(8) and for ovs-ofctl(8)."""
    number = wire.protocols[-1]
    if wire.port is None:
        return f"meta l4proto {number}", f"nw_proto={number}"
    return f"udp dport {wire.port}", f"nw_proto={number},tp_dst={wire.port}"


def _family(address: IPv4Address | IPv6Address) -> str:
    return "ip6" if address.version == 6 else "ip"


def _source(peer: HostPlan) -> str:
    """In ovs-ofctl's words."""
    return {"ip": f"ip,nw_src={peer.underlay}", "ip6": f"ipv6,ipv6_src={peer.underlay}"}[_family(peer.underlay)]


def _share(fault: Fault) -> str:
    """Of the packets that are dropped, in nft's words."""
    match fault.kind:
        case FaultKind.LOSSY:
            return f"numgen random mod 100 < {fault.amount} "
        case FaultKind.SLOW:
            return f"limit rate over {(fault.amount or 1) * 1000 // 8} bytes/second burst {BURST_BYTES} bytes "
        case _:
            return ""


def heal(bridge: str | None) -> Exec:
    """No error if there is nothing to heal."""
    if bridge is not None:
        return Exec(("ovs-ofctl", "del-flows", bridge, f"cookie={COOKIE}/-1"))
    # Added first, so that it is there to be deleted: one transaction.
    return Exec(("nft", f"add table inet {TABLE}; delete table inet {TABLE}"))


def dead_man(bridge: str | None, after_s: float) -> Exec:
    """The host heals itself after so many seconds, whoever is dead by then. A reboot heals it, too."""
    timer = ("--timer-property=AccuracySec=100ms", f"--on-active={after_s:.0f}")
    return Exec(("systemd-run", "--quiet", "--collect", f"--unit={UNIT}", *timer, *heal(bridge).argv))


WAITS = Exec(("systemctl", "is-active", "--quiet", f"{UNIT}.timer"))
NO_DEAD_MAN = Exec(("systemctl", "stop", f"{UNIT}.timer"))


def count(bridge: str | None) -> Exec:
    """The question how many packets were dropped."""
    if bridge is not None:
        return Exec(("ovs-ofctl", "dump-flows", bridge, f"cookie={COOKIE}/-1"))
    return Exec(("nft", "list", "table", "inet", TABLE))


def counted(answer: str) -> int:
    return sum(int(kernel or flow) for kernel, flow in COUNTED.findall(answer))
