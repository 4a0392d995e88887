"""Who may send tunnels' packets to a host, and whom it sends them to: nftables' rules of `guard: peers`.

The kernel looks at a VXLAN packet's VNI and not at who sent it, and what goes wrong at a tunnel may lead it elsewhere.
The rules stand where the host's own packets come and go, behind the reassembly of fragments. They match this mesh's
tunnels, by VNI or key, and nobody else's.
"""

from collections.abc import Iterator

from dockmesh.model.mesh import Guard
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.types import HostPlan, Plan

TABLE = "inet dockmesh_peers"
# RFC 2784 and RFC 2890: flags, then what is inside, as the first word; a key is the second, without a checksum.
ETHERNET, WITH_KEY, WITHOUT = "0x6558", "0x20006558", "0x00006558"


def rules(plan: Plan, host: HostPlan) -> tuple[str, ...]:
    """Lines of chains for `nft -f`; none where the file does not ask for them."""
    if plan.fabric.guard is not Guard.PEERS:
        return ()
    family = "ip6" if plan.ip_version == 6 else "ip"
    mesh = ", ".join(sorted(str(each.underlay) for each in plan.hosts))
    tunnels = tuple(_tunnels(plan, host))
    return (
        *_chain("in", "input", f"{family} saddr {{ {mesh} }} accept", tunnels),
        *_chain("out", "output", f"{family} daddr {{ {mesh} }} accept", tunnels),
    )


def _chain(name: str, hook: str, first: str, tunnels: tuple[str, ...]) -> Iterator[str]:
    yield f"\tchain {name} {{"
    yield f"\t\ttype filter hook {hook} priority -350; policy accept;"
    yield from (f"\t\t{line}" for line in (first, *tunnels))
    yield "\t}"


def _tunnels(plan: Plan, host: HostPlan) -> Iterator[str]:
    key, wire = plan.fabric.key or 0, plan.fabric.tunnel.encapsulation
    if plan.fabric.tunnel is Tunnel.GRE:
        yield f"meta l4proto gre @th,0,32 {WITH_KEY} @th,32,32 != {key} accept"
        if key:
            yield f"meta l4proto gre @th,0,32 {WITHOUT} accept"
        yield f"meta l4proto gre @th,16,16 {ETHERNET} counter drop"
        return
    # Behind the headers of UDP a second word, of which 24 bits are the VNI (RFC 7348, RFC 8926).
    numbers = sorted({end.device.vni for end in host.tunnels if end.device} or {key})
    yield f"udp dport {wire.port} @th,96,24 {{ {', '.join(map(str, numbers))} }} counter drop"
