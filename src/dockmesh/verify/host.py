"""What is wrong on one host, by what it says of itself."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from dockmesh.diff import attached_interfaces, linux_bridge, networks
from dockmesh.diff.subject import ADDRESS, ADDRESS6, MAC, MTU, ROUTERS, STATE, TREE, Desired, Subject
from dockmesh.facts.types import HostFacts
from dockmesh.model.network import FABRIC_BRIDGE
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


# By what of docker0's bridge or its member differs: the cause that it is, and what that keeps from passing.
OF_DOCKER0 = {
    MTU: (CauseKind.MTU, SIZES),
    **dict.fromkeys((MAC, ROUTERS, TREE), (CauseKind.DOCKER_BRIDGE, frozenset())),
}


def problems(plan: Plan, planned: HostPlan, known: ProbedHost) -> Iterator[Cause]:
    """Worst first. Spanning tree and tunnels are no matter of one host, so they are not here."""
    yield from _fabric(planned, known)
    yield from _docker(plan, planned, known)
    yield from _docker0(planned, known)
    yield from _mtu(plan, planned, known)
    for allocation in planned.networks:
        if found := attached_interfaces.problem(allocation, known.facts):
            kinds = frozenset({ProbeKind.NETWORK if allocation.vlan else ProbeKind.BRIDGE})
            yield Cause(
                CauseKind.ATTACHED, (planned.name,), f"{found[0]}: who is behind it is cut off", found[1], kinds
            )
    for allocation in planned.further:
        if wrong := wrong_with(allocation, known):
            kinds = frozenset((ProbeKind.NETWORK, *NETWORK_PAIRS))
            yield Cause(
                CauseKind.NETWORK, (planned.name,), f"network {allocation.name}: {'; '.join(wrong)}", APPLY, kinds
            )


def starting_units(facts: Mapping[str, HostFacts]) -> frozenset[tuple[str, str]]:
    """Host and name of each unit that systemd is starting."""
    return frozenset(
        (name, unit)
        for name, host in facts.items()
        for unit, states in host.units.items()
        if states.get("ActiveState") in ("activating", "reloading")
    )


def wrong_with(allocation: HostNetwork, known: ProbedHost) -> tuple[str, ...]:
    """What of a further network is not as planned on a host: in Docker, and in the kernel."""
    return (*_in_docker(allocation, known.facts), *(text for _, text in _in_kernel(allocation, known.facts)))


def _in_docker(allocation: HostNetwork, facts: HostFacts) -> Iterator[str]:
    if facts.docker is None:
        return
    if facts.docker.network(allocation.name) is None:
        yield "Docker has no such network"
    for what, (used, wanted) in networks.differing(allocation, facts).items():
        yield f"Docker has it with {f'no {what}' if used is None else f'{what} {used}'}, planned is {wanted}"
    if allocation.address6 is not None and not facts.docker.keeps_ipv6_apart:
        yield "Docker has no rules for IPv6: nothing keeps it apart from other networks of the host"


def _in_kernel(allocation: HostNetwork, facts: HostFacts) -> Iterator[tuple[Subject, str]]:
    """Of its Linux bridge and what is in that: what differs, in words. Without the bridge there is nothing else."""
    for each, actual in linux_bridge.differing(allocation, facts):
        yield each.subject, _said(allocation, each, actual)
        if each.subject == linux_bridge.subject(allocation):
            return


def _said(allocation: HostNetwork, each: Desired, actual: str | None) -> str:
    name, aspect = each.subject.name, each.subject.aspect
    if aspect in (ADDRESS, ADDRESS6):
        none = "no address" if aspect == ADDRESS else "no IPv6 address"
        return f"{name} has {actual or none}, planned is {each.value}"
    if aspect == STATE:
        return f"{name} is {actual}"
    if aspect:
        return f"{name} has {aspect} {actual}, planned is {each.value}"
    if each.subject == linux_bridge.subject(allocation):
        return f"there is no {name}"
    if actual == f"{each.value}, down":
        return f"{name} is down"
    return (
        f"{name} is not {each.value}{f', but {actual}' if actual else ': its containers are cut off from other hosts'}"
    )


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


def _docker0(planned: HostPlan, known: ProbedHost) -> Iterator[Cause]:
    said: dict[tuple[CauseKind, frozenset[ProbeKind]], list[str]] = defaultdict(list)
    for subject, text in _in_kernel(planned.docker0, known.facts):
        joins = subject == linux_bridge.joined(planned.docker0).subject
        other = CauseKind.NOT_ATTACHED if joins else CauseKind.DOCKER_BRIDGE
        said[OF_DOCKER0.get(subject.aspect, (other, PAIRS))].append(text)
    for (kind, kept), texts in said.items():
        yield Cause(kind, (planned.name,), "; ".join(texts), APPLY, kept | {ProbeKind.BRIDGE})


def _mtu(plan: Plan, planned: HostPlan, known: ProbedHost) -> Iterator[Cause]:
    """Docker and a container's own device say what containers send."""
    docker = known.facts.docker
    inside = known.from_container.mtus.get("eth0", plan.mtu)
    if docker is not None and (docker.mtu or inside) != plan.mtu:
        seen = f"Docker gives its containers MTU {docker.mtu}, planned is {plan.mtu}"
        yield Cause(CauseKind.MTU, (planned.name,), seen, APPLY, SIZES | {ProbeKind.DOCKER})
    elif inside != plan.mtu:
        # Docker's own settings are right: something beside it changes what it gives.
        seen = f"a new container has MTU {inside}, planned is {plan.mtu}, and Docker is told so"
        do = f"see what sets it on {planned.name}: an OCI hook, or a runtime of `docker info` that is not runc"
        yield Cause(CauseKind.MTU, (planned.name,), seen, do, SIZES | {ProbeKind.DOCKER})
