"""Rules about pools: the part of the prefix that each host's dockerd gives to containers."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from dockmesh.spec.blocks import Blocks, free_blocks
from dockmesh.spec.draft import Draft, DraftHost
from dockmesh.spec.problems import Problem


def check_pools_in_prefix(draft: Draft) -> Iterator[Problem]:
    if draft.prefix is None:
        return
    prefix, line = draft.prefix.value, draft.prefix.span.line
    outside = [host for host in draft.hosts if host.pool is not None and not host.pool.value.subnet_of(prefix)]
    free = _free(draft, outside)
    for host in outside:
        if host.pool is not None:
            reaches = "reaches beyond" if host.pool.value.overlaps(prefix) else "is outside"
            # Measured on Docker 26.1: the first container of such a daemon got the first address of the prefix.
            hint = (
                f"The prefix is {prefix} (line {line}). Given such a pool, Docker hands out the whole prefix "
                f"without a word, so two hosts give one address twice.{free}"
            )
            yield Problem(f"pool of {host.shown} {reaches} {draft.the_prefix}", hint, host.pool.span)


def check_pools_apart(draft: Draft) -> Iterator[Problem]:
    """Every overlap, told at the host that comes later in the file."""
    order = {id(host): place for place, host in enumerate(draft.hosts)}
    overlaps: dict[int, list[DraftHost]] = {}
    pools = Blocks.of_pools(draft.hosts)
    for host in draft.hosts:
        if host.pool is None:
            continue
        pool = host.pool.value
        for other in pools.owners_of(pool.network_address, at_most=pool.prefixlen):
            if other is host:
                continue
            early, late = sorted((host, other), key=lambda each: order[id(each)])
            overlaps.setdefault(order[id(late)], []).append(early)
    free = _free(draft, [draft.hosts[place] for place in overlaps])
    for place, earlier in sorted(overlaps.items()):
        late = draft.hosts[place]
        first = min(earlier, key=lambda each: order[id(each)])
        if late.pool is not None and first.pool is not None:
            others = " and others" if len({id(other) for other in earlier}) > 1 else ""
            what = f"pool of {late.shown} overlaps the pool{'s' if others else ''} of {first.shown}{others}"
            how = f"{_compared(late.pool.value, first.pool.value)} (line {first.pool.span.line})."
            yield Problem(what, f"{how}{free}", late.pool.span)


def _compared(pool: IPv4Network, other: IPv4Network) -> str:
    if pool == other:
        return f"{pool} is the same as {other}"
    return f"{pool} {'contains' if other.subnet_of(pool) else 'lies in'} {other}"


def _free(draft: Draft, movers: list[DraftHost]) -> str:
    """Where the pools of `movers` could go instead: blocks without another's pool and without anyone's address."""
    if draft.prefix is None or not movers:
        return ""
    moving = {id(host) for host in movers}
    pools = [host.pool.value for host in draft.hosts if host.pool is not None and id(host) not in moving]
    addresses = [IPv4Network(host.address.value) for host in draft.hosts if host.address is not None]
    blocks = free_blocks(draft.prefix.value, [*pools, *addresses])
    if not blocks:
        return " No block of this prefix is free."
    return f" Free blocks of this prefix: {', '.join(str(block) for block in blocks)}."


def check_pool_holds_a_container(draft: Draft) -> Iterator[Problem]:
    """Docker hands out all addresses of a pool but the prefix's network and broadcast address and its own."""
    if draft.prefix is None:
        return
    small = [host for host in draft.hosts if _is_too_small(host, draft.prefix.value)]
    single = [host for host in draft.hosts if host not in small and _is_single(host, draft.prefix.value)]
    free = _free(draft, [*small, *single])
    for host in single:
        if host.pool is not None:
            hint = f"{host.pool.value} is for one container, and `dockmesh verify` needs an address for its own.{free}"
            yield Problem(f"pool of {host.shown} is one address", hint, host.pool.span)
    for host in small:
        if host.pool is not None:
            names = "the host's own address or an end of the prefix"
            hint = f"{host.pool.value} holds nothing but {names}, and Docker gives none of these to a container.{free}"
            yield Problem(f"pool of {host.shown} is too small for a container", hint, host.pool.span)


def _is_single(host: DraftHost, prefix: IPv4Network) -> bool:
    return host.pool is not None and host.pool.value.num_addresses == 1 and host.pool.value.subnet_of(prefix)


def _is_too_small(host: DraftHost, prefix: IPv4Network) -> bool:
    if host.pool is None or not host.pool.value.subnet_of(prefix):
        return False
    kept = {prefix.network_address, prefix.broadcast_address}
    if host.address is not None:
        kept.add(host.address.value)
    return host.pool.value.num_addresses <= sum(address in host.pool.value for address in kept)
