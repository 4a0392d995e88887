"""Rules about pools: the part of the prefix that each host's dockerd gives to containers."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from dockmesh.meshfile.blocks import Blocks, Net, free_blocks, within
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.rules.view import Member, NetworkView


def check_in_prefix(view: NetworkView) -> Iterator[Problem]:
    prefix = view.prefix.value
    outside = [member for member in view.members if member.pool and not within(member.pool.value, prefix)]
    free = _free(view, outside)
    for pool in [member.pool for member in outside if member.pool]:
        reaches = "reaches beyond" if pool.value.overlaps(prefix) else "is outside"
        # Measured on Docker 26.1: the first container of such a daemon got the first address of the prefix.
        why = " Given such a pool, Docker silently hands out the whole prefix, so two hosts give out the same address."
        hint = f"The {view.key} is {prefix} (line {view.prefix.line}).{why if view.version == 4 else ''}{free}"
        yield Problem(f"{pool.subject} {reaches} {view.the_prefix}", hint, pool.span)


def check_apart(view: NetworkView) -> Iterator[Problem]:
    """Every overlap, told at the host that comes later in the file."""
    order = {member: place for place, member in enumerate(view.members)}
    overlaps: dict[Member, list[Member]] = {}
    pools = Blocks.of_pools(view.members)
    for member in view.members:
        if member.pool is None:
            continue
        pool = member.pool.value
        for other in pools.owners_of(pool.network_address, at_most=pool.prefixlen):
            if other is not member:
                early, late = sorted((member, other), key=lambda each: order[each])
                overlaps.setdefault(late, []).append(early)
    free = _free(view, [*overlaps])
    for late, earlier in overlaps.items():
        first = min(earlier, key=lambda each: order[each])
        if late.pool and first.pool:
            others = " and others" if len(set(earlier)) > 1 else ""
            what = f"{late.pool.subject} overlaps the {first.pool.subject}{others}"
            how = f"{_compared(late.pool.value, first.pool.value)} (line {first.pool.line})."
            yield Problem(what, f"{how}{free or ' Two hosts would give out the same addresses.'}", late.pool.span)


def _compared(pool: Net, other: Net) -> str:
    if pool == other:
        return f"{pool} is the same as {other}"
    return f"{pool} {'contains' if within(other, pool) else 'lies in'} {other}"


def _free(view: NetworkView, movers: Sequence[Member]) -> str:
    """Where the pools of `movers` could go instead: blocks without another's pool and without anyone's address."""
    prefix = view.prefix.value
    if not isinstance(prefix, IPv4Network) or not movers:
        return ""
    pools = [member.pool.value for member in view.members if member.pool and member not in movers]
    taken = [*pools, *(member.address.value for member in view.members if member.address)]
    blocks = free_blocks(prefix, [*map(IPv4Network, taken)])
    if not blocks:
        return " No block of this prefix is free."
    return f" Free blocks of this prefix: {', '.join(str(block) for block in blocks)}."


def check_holds_a_container(view: NetworkView) -> Iterator[Problem]:
    """Docker hands out all addresses of a pool but the prefix's network and broadcast address and its own."""
    inside = [member for member in view.members if member.pool and within(member.pool.value, view.prefix.value)]
    small = [member for member in inside if _is_too_small(member, view.prefix.value)]
    single = [each for each in inside if each not in small and each.pool and each.pool.value.num_addresses == 1]
    free = _free(view, [*small, *single])
    for pool in [member.pool for member in single if member.pool]:
        hint = f"{pool.value} is for one container, and `dockmesh verify` needs an address for its own.{free}"
        yield Problem(f"{pool.subject} is one address", hint, pool.span)
    for pool in [member.pool for member in small if member.pool]:
        names = "the host's own address or an end of the prefix"
        hint = f"{pool.value} holds nothing but {names}, and Docker gives none of these to a container.{free}"
        yield Problem(f"{pool.subject} is too small for a container", hint, pool.span)


def _is_too_small(member: Member, prefix: Net) -> bool:
    kept = {prefix.network_address, *([member.address.value] if member.address else [])}
    if prefix.version == 4:
        kept.add(prefix.broadcast_address)
    return member.pool is not None and member.pool.value.num_addresses <= sum(
        each in member.pool.value for each in kept
    )
