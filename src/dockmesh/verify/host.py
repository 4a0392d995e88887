"""What is wrong on one host, by what it says of itself."""

from collections.abc import Iterator

from dockmesh.diff import outside
from dockmesh.facts.types import HostFacts
from dockmesh.model.network import DOCKER_BRIDGE, FABRIC_BRIDGE
from dockmesh.plan.types import HostNetwork, HostPlan, Plan
from dockmesh.verify import pools
from dockmesh.verify.evidence import ProbedHost
from dockmesh.verify.tunnel import APPLY
from dockmesh.verify.types import CONTAINER_PAIRS, HOST_PAIRS, NETWORK_PAIRS, Cause, CauseKind, ProbeKind

PAIRS = frozenset((*HOST_PAIRS, *CONTAINER_PAIRS, *NETWORK_PAIRS))
SIZES = frozenset(
    (
        *(ProbeKind.HOST_SIZE, ProbeKind.HOST_TRANSFER, ProbeKind.CONTAINER_SIZE, ProbeKind.CONTAINER_TRANSFER),
        *(ProbeKind.NETWORK_SIZE, ProbeKind.NETWORK_SIZE6),
    )
)


def problems(plan: Plan, planned: HostPlan, known: ProbedHost) -> Iterator[Cause]:
    """Worst first. Spanning tree and tunnels are no matter of one host, so they are not here."""
    yield from _fabric(planned, known)
    yield from _docker(plan, planned, known)
    yield from _docker_bridge(planned, known)
    yield from _mtu(plan, planned, known)
    for seat in planned.networks:
        if found := outside.problem(seat, known.facts):
            kinds = frozenset({ProbeKind.NETWORK if seat.vlan else ProbeKind.BRIDGE})
            yield Cause(
                CauseKind.ATTACHED, (planned.name,), f"{found[0]}: who is behind it is cut off", found[1], kinds
            )
    for seat in planned.further:
        if wrong := wrong_with(seat, known):
            kinds = frozenset((ProbeKind.NETWORK, *NETWORK_PAIRS))
            yield Cause(CauseKind.NETWORK, (planned.name,), f"network {seat.name}: {'; '.join(wrong)}", APPLY, kinds)


def wrong_with(seat: HostNetwork, known: ProbedHost) -> tuple[str, ...]:
    """What of a further network is not as planned on a host."""
    return tuple(_wrong_with(seat, known.facts))


def _wrong_with(seat: HostNetwork, facts: HostFacts) -> Iterator[str]:
    present = facts.docker.network(seat.name) if facts.docker else None
    if facts.docker is not None and present is None:
        yield "Docker has no such network"
    if present is not None and seat.address6 is not None:
        if (present.prefixes6, present.pool6) != ((seat.prefix6,), seat.pool6):
            has = ", ".join(map(str, present.prefixes6)) or "no IPv6"
            yield f"Docker has {has} of it, pool {present.pool6}; planned is {seat.prefix6}, pool {seat.pool6}"
        if facts.docker is not None and not facts.docker.keeps_ipv6_apart:
            yield "Docker has no rules for IPv6: nothing keeps it apart from other networks of the host"
    bridge, member = facts.link(seat.bridge), facts.link(seat.switch)
    if bridge is None:
        yield f"there is no {seat.bridge}"
        return
    if not bridge.up:
        yield f"{seat.bridge} is down"
    if seat.address not in bridge.addresses:
        yield f"{seat.bridge} has {', '.join(map(str, bridge.addresses)) or 'no address'}, planned is {seat.address}"
    if seat.address6 is not None and seat.address6 not in bridge.addresses6:
        has = ", ".join(str(each) for each in bridge.addresses6) or "no IPv6 address"
        yield f"{seat.bridge} has {has}, planned is {seat.address6}"
    if member is None or member.master != seat.bridge or not member.up:
        yield f"{seat.switch} is not in {seat.bridge}: its containers are cut off from other hosts"
    for link in (bridge, member):
        if link is not None and link.mtu != seat.mtu:
            yield f"{link.name} has MTU {link.mtu}, planned is {seat.mtu}"


def _fabric(planned: HostPlan, known: ProbedHost) -> Iterator[Cause]:
    facts, name = known.facts, planned.name
    everything = PAIRS | {ProbeKind.BRIDGE, ProbeKind.TREE, ProbeKind.FLOWS, ProbeKind.NETWORK, ProbeKind.TUNNEL}
    if facts.ovs is None:
        yield Cause(
            CauseKind.FABRIC_MISSING,
            (name,),
            "Open vSwitch does not answer",
            f"look at `systemctl status openvswitch-switch` on {name}, then run `dockmesh apply`",
            everything,
        )
    elif facts.bridge(FABRIC_BRIDGE) is None:
        yield Cause(CauseKind.FABRIC_MISSING, (name,), f"Open vSwitch has no bridge {FABRIC_BRIDGE}", APPLY, everything)


def _docker(plan: Plan, planned: HostPlan, known: ProbedHost) -> Iterator[Cause]:
    docker, name = known.facts.docker, planned.name
    if docker is None:
        yield Cause(
            CauseKind.DOCKER_DOWN,
            (name,),
            "Docker is not running, or does not answer",
            f"run `systemctl reset-failed docker docker.socket; systemctl start docker` on {name}; "
            "if it does not stay up, `journalctl -u docker` there says why",
            frozenset((*CONTAINER_PAIRS, ProbeKind.DOCKER, ProbeKind.NETWORK)),
        )
        return
    unlike = docker.unlike(planned.address, planned.pool)
    if wrong := [f"{what} {used or 'none'}, planned is {wanted}" for what, (used, wanted) in unlike.items()]:
        yield Cause(
            CauseKind.DOCKER_SETTINGS,
            (name,),
            f"Docker uses {'; '.join(wrong)}",
            APPLY,
            frozenset((*CONTAINER_PAIRS, ProbeKind.DOCKER)),
        )
    else:
        yield from _full(planned, known)
        # What is in another host's pool is that host's, and owner.py says so.
        for found in pools.outside(planned, known.facts, plan):
            yield Cause(CauseKind.OUTSIDE_POOL, (name,), found.text, found.do(name), frozenset({ProbeKind.DOCKER}))


def _full(planned: HostPlan, known: ProbedHost) -> Iterator[Cause]:
    """Where the probe container got no address. With one it has, what is left for others is no matter of a proof."""
    pool = next(iter(pools.use(planned, known.facts)), None)
    if known.container is None and pool is not None and pool.full:
        taken = f"all {pool.total:,} addresses are" if pool.total > 1 else "its one address is"
        seen = f"its {pool.shown}, {planned.pool}, is full: {taken} taken, so no container starts, nor a probe"
        yield Cause(CauseKind.POOL_FULL, (planned.name,), seen, pools.ROOM, frozenset(CONTAINER_PAIRS))


def _docker_bridge(planned: HostPlan, known: ProbedHost) -> Iterator[Cause]:
    facts, name = known.facts, planned.name
    bridge, member = facts.link(DOCKER_BRIDGE), facts.link(FABRIC_BRIDGE)
    every_pair = PAIRS | {ProbeKind.BRIDGE}
    if bridge is None:
        yield Cause(CauseKind.DOCKER_BRIDGE, (name,), f"there is no {DOCKER_BRIDGE}", APPLY, every_pair)
        return
    if not bridge.up:
        yield Cause(CauseKind.DOCKER_BRIDGE, (name,), f"{DOCKER_BRIDGE} is down", APPLY, every_pair)
    if planned.address not in bridge.addresses:
        has = ", ".join(map(str, bridge.addresses)) or "no address"
        seen = f"{DOCKER_BRIDGE} has {has}, planned is {planned.address}"
        yield Cause(CauseKind.DOCKER_BRIDGE, (name,), seen, APPLY, every_pair)
    if member is not None and member.master != DOCKER_BRIDGE:
        seen = (
            f"{FABRIC_BRIDGE} is not in {DOCKER_BRIDGE}, but in {member.master}"
            if member.master
            else (f"{FABRIC_BRIDGE} is not in {DOCKER_BRIDGE}: its containers are cut off from the mesh")
        )
        yield Cause(CauseKind.NOT_ATTACHED, (name,), seen, APPLY, every_pair)
    elif member is not None and not member.up:
        yield Cause(CauseKind.NOT_ATTACHED, (name,), f"{FABRIC_BRIDGE} is down", APPLY, every_pair)


def _mtu(plan: Plan, planned: HostPlan, known: ProbedHost) -> Iterator[Cause]:
    """docker0 and br0 say what the bridge carries, Docker and a container's own device what containers send."""
    facts, docker = known.facts, known.facts.docker
    devices = [(name, link.mtu) for name in (DOCKER_BRIDGE, FABRIC_BRIDGE) if (link := facts.link(name))]
    if wrong := [f"{name} has MTU {mtu}" for name, mtu in devices if mtu != plan.mtu]:
        seen = f"{' and '.join(wrong)}, planned is {plan.mtu}"
        yield Cause(CauseKind.MTU, (planned.name,), seen, APPLY, SIZES | {ProbeKind.BRIDGE})
    inside = known.from_container.mtus.get("eth0", plan.mtu)
    if docker is not None and (docker.mtu or inside) != plan.mtu:
        seen = f"Docker gives its containers MTU {docker.mtu}, planned is {plan.mtu}"
        yield Cause(CauseKind.MTU, (planned.name,), seen, APPLY, SIZES | {ProbeKind.DOCKER})
    elif inside != plan.mtu:
        # Docker's own settings are right: something beside it changes what it gives.
        seen = f"a new container has MTU {inside}, planned is {plan.mtu}, and Docker is told so"
        do = f"see what sets it on {planned.name}: an OCI hook, or a runtime of `docker info` that is not runc"
        yield Cause(CauseKind.MTU, (planned.name,), seen, do, SIZES | {ProbeKind.DOCKER})
