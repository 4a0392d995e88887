"""Whose packets are tunnel packets of the mesh: nftables' rules of family `inet`, in a mesh without encryption.

Some stand always: what containers and users of a host send is none. A VXLAN or Geneve packet wants no more than a
socket of UDP, and Docker's MASQUERADE gives what goes to other hosts the address of this one, a peer's; GRE wants the
raw socket that every container has. Others come with `guard: peers`: what machines beside the mesh send is none either.

They match this mesh's tunnels, by VNI or key, and nobody else's. They stand where the host takes packets and where it
passes them on: behind the reassembly of fragments, and before MASQUERADE.
"""

from collections.abc import Iterable, Iterator

from dockmesh.model.mesh import Guard
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.render.nft import NEEDS, chain, listed

# RFC 2784 and RFC 2890: flags, then what is inside, as the first word; a key is the second, without a checksum.
ETHERNET, WITH_KEY, WITHOUT = "0x6558", "0x20006558", "0x00006558"
TO_HOST, TO_PEERS = "to_host", "to_peers"
# Old nftables cannot say what kind of device it is.
KIND = f"{NEEDS}iifkind"


def rules(plan: Plan, host: HostPlan) -> tuple[str, ...]:
    """Lines of chains for `nft -f`. An encrypted mesh takes nothing but what its device made out."""
    if plan.fabric.encryption is not None:
        return ()
    mesh = underlays(plan)
    at_host = {end.device.vni for end in host.tunnels if end.device}
    anywhere = {end.device.vni for each in plan.hosts for end in each.tunnels if end.device}
    tunnels = tuple(_tunnels(plan, at_host))
    guard = plan.fabric.guard is Guard.PEERS
    family = _family(plan)
    return (
        *chain(TO_HOST, None, tunnels),
        # A container may take a VNI that two others use.
        *chain(TO_PEERS, None, _tunnels(plan, anywhere)),
        *chain("input", "input", _input(plan, host)),
        *chain("forward", "forward", _forward(plan, host)),
        *(chain("in", "input", (f"{family} saddr {mesh} accept", *tunnels)) if guard else ()),
        *(chain("out", "output", (f"{family} daddr {mesh} accept", *tunnels)) if guard else ()),
    )


def underlays(plan: Plan) -> str:
    """Of all hosts, as nftables writes a set."""
    return listed(sorted({str(each.underlay) for each in plan.hosts}))


def from_underlay(plan: Plan) -> str:
    return f"{_family(plan)} saddr {underlays(plan)}"


def _family(plan: Plan) -> str:
    return "ip6" if plan.ip_version == 6 else "ip"


def _input(plan: Plan, host: HostPlan) -> Iterator[str]:
    mesh, family = underlays(plan), _family(plan)
    then = f"goto {TO_HOST}"
    yield "# No peer is on this host: no user of it, and no container, whose packets come from its bridge."
    yield f"iifname {{ lo, {', '.join(network.bridge for network in host.networks)} }} {then}"
    yield "# Nor in Docker networks beside the mesh. The underlay may be a bridge, too: then peers are behind it."
    yield f'meta iifkind "bridge" {family} saddr != {mesh} {then} {KIND}'
    yield f'meta iifkind "bridge" {family} saddr {mesh} fib saddr . iif oif missing {then} {KIND}'
    yield "# A peer sends to the underlay address. Containers that it masquerades reach others of this host, too, and"
    yield "# the kernel's devices take what is for any."
    if any(end.device for end in host.tunnels):
        yield f"{family} daddr != {host.underlay} {then}"
    else:
        yield f"{family} saddr {mesh} {family} daddr != {host.underlay} {then}"


def _forward(plan: Plan, host: HostPlan) -> Iterator[str]:
    """A host may be a router between others of the mesh, or of another mesh: their packets pass."""
    mesh, family = underlays(plan), _family(plan)
    bridges = listed(network.bridge for network in host.networks)
    then = f"goto {TO_PEERS}"
    yield "# Out of a network of the mesh. What stays in it is bridged, and nftables see it here with br_netfilter."
    yield f"iifname {bridges} oifname != {bridges} {then}"
    yield "# To a host of the mesh by somebody who is none, from wherever: MASQUERADE would make it this host's."
    yield f"{family} saddr != {mesh} {family} daddr {mesh} {then}"
    yield "# From Docker networks beside the mesh, in the name of a host that is elsewhere."
    yield f'meta iifkind "bridge" {family} saddr {mesh} fib saddr . iif oif missing {then} {KIND}'


def _tunnels(plan: Plan, vnis: Iterable[int]) -> Iterator[str]:
    """`vnis`: of the kernel's devices, each of which has its own; else the mesh has one."""
    key, wire = plan.fabric.key or 0, plan.fabric.tunnel.encapsulation
    if plan.fabric.tunnel is Tunnel.GRE:
        yield f"meta l4proto gre @th,0,32 {WITH_KEY} @th,32,32 != {key} accept"
        if key:
            yield f"meta l4proto gre @th,0,32 {WITHOUT} accept"
        yield f"meta l4proto gre @th,16,16 {ETHERNET} counter drop"
        return
    # Behind the headers of UDP a second word, of which 24 bits are the VNI (RFC 7348, RFC 8926).
    yield f"udp dport {wire.port} @th,96,24 {listed(map(str, sorted(vnis) or [key]))} counter drop"
