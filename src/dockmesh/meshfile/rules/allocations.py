"""Rules about what each host has in the networks after docker0."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import islice

from dockmesh.meshfile.blocks import free_blocks
from dockmesh.meshfile.excerpt import clipped, listed
from dockmesh.meshfile.keys.host import AllocationSection, HostSection
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.keys.network import MOST_CHARACTERS, NetworkSection
from dockmesh.meshfile.nearest import did_you_mean
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.rules.networks import DOCKERS, once
from dockmesh.meshfile.rules.view import allocations
from dockmesh.meshfile.slots6 import LARGEST, SMALLEST, Slot6, free_slots
from dockmesh.model.network import DOCKER_BRIDGE

IPV6 = (AllocationSection.address6, AllocationSection.pool6)
UNKNOWN = "{address: …, pool: …}"


def check_known(mesh: MeshSection) -> Iterator[Problem]:
    """A host has an entry for networks that there are and that it is on."""
    networks = {network.label.value: network for network in once(mesh)}
    complete = all(network.whole for network in mesh.every_network)
    for host, entry in [(each, allocation.label) for each in mesh.every_host for allocation in each.allocations]:
        network = networks.get(entry.value)
        has = f"{host.shown} has an entry for {clipped(entry.value)}"
        if entry.value == DOCKER_BRIDGE:
            hint = f"Those in {DOCKER_BRIDGE} are set at the host itself: `address` and `pool`."
            yield Problem(has, hint, entry.span)
        elif network is None and complete:
            known = f"The networks are {listed([*networks])}." if networks else f"There is {DOCKER_BRIDGE} alone."
            hint = f"{known}{did_you_mean(entry.value, [*networks])}"
            yield Problem(f"{has}, and there is no such network", hint, entry.span)
        elif network is not None and not network.has(host.label.value):
            hint = "Take the entry away, or name the host under `hosts` of the network."
            yield Problem(f"{has}, and is not among its hosts", hint, entry.span)


def check_lacking(mesh: MeshSection) -> Iterator[Problem]:
    """Each host has an entry for the networks that it is on. Where none has, that is one mistake: made by hand."""
    for network in once(mesh):
        name, shown = network.label.value, network.shown
        if not network.whole or name in DOCKERS or len(name) > MOST_CHARACTERS:
            continue  # told by itself, and to be named again first
        on = [host for host in mesh.every_host if network.has(host.label.value)]
        lacking = [
            host
            for host in on
            if _is_whole(host) and name not in {allocation.label.value for allocation in host.allocations}
        ]
        if len(lacking) == len(on) > 1 and not network.attach.given:
            hint = (
                f"Each needs `networks: {{{shown}: {UNKNOWN}}}`. Take the network out of `networks` here; then "
                f"`dockmesh network add {shown}{_options(network)}` writes it, with an address and a pool for each "
                "host."
            )
            yield Problem(f"no host has an entry for the network {shown}", hint, network.label.span)
            continue
        for host, entry in zip(lacking, _entries(mesh, network, len(lacking)), strict=True):
            hint = f"Put at {host.shown}: `networks: {{{shown}: {entry}}}`."
            yield Problem(f"{host.shown} has no entry for the network {shown}", hint, host.label.span)


def _is_whole(host: HostSection) -> bool:
    """Nothing of its entries is wrong by itself."""
    return host.given and host.networks is not None and host.networks.whole


def _options(network: NetworkSection) -> str:
    """With which `network add` makes the same."""
    return "".join(
        (
            f" --prefix {network.prefix.value}" if network.prefix else "",
            f" --prefix6 {network.prefix6.value}" if network.prefix6 else "",
            f" --vlan {network.vlan.value}" if network.vlan else "",
            " --internal" if network.internal and network.internal.value else "",
            f" --hosts {','.join(host.value for host in network.hosts.value)}" if network.hosts else "",
        )
    )


def _entries(mesh: MeshSection, network: NetworkSection, count: int) -> list[str]:
    """An address and a pool for each host that has none, of what is free."""
    present = [allocation for _, allocation in allocations(mesh, network)]
    taken = [allocation.address.value for allocation in present if allocation.address]
    pools = [allocation.pool.value for allocation in present if allocation.pool]
    if network.prefix is None or not taken or not pools or network.prefix6:
        return [UNKNOWN] * count
    prefix, size = network.prefix.value, max(pool.prefixlen for pool in pools)
    start, last = int(prefix.network_address), int(max(taken)) - int(prefix.network_address)
    numbers = (IPv4Address((last + number) % prefix.num_addresses + start) for number in range(1, prefix.num_addresses))
    kept = (*taken, prefix.network_address, prefix.broadcast_address)
    addresses = (each for each in numbers if each not in kept and not any(each in pool for pool in pools))
    own = [IPv4Network((int(address), max(24, prefix.prefixlen)), strict=False) for address in taken]
    free = (
        part
        for block in free_blocks(prefix, [*pools, *own], count=count)
        for part in (block.subnets(new_prefix=size) if block.prefixlen < size else [block])
    )
    found = list(islice(zip(addresses, free, strict=False), count))
    return [
        *(f"{{address: {address}, pool: {pool}}}" for address, pool in found),
        *[UNKNOWN] * (count - len(found)),
    ]


def check_ipv6(mesh: MeshSection) -> Iterator[Problem]:
    """Each host has both in the networks with a prefix6, and neither in others."""
    for network in mesh.every_network[1:]:
        present = allocations(mesh, network)
        free = _free6(network, [allocation for _, allocation in present])
        for host, allocation in present:
            where = f"{host.shown} in {network.shown}"
            missing = [key.name for key in IPV6 if not allocation.values.get(key.name)]
            if network.prefix6 is None:
                for name in [key.name for key in IPV6 if key.name not in missing and network.whole]:
                    hint = "The network has no prefix6: give it one, or take this away."
                    article = "an" if name == AllocationSection.address6.name else "a"
                    yield Problem(f"{where} has {article} {name}", hint, allocation.values[name].span)
            elif missing and _is_whole(host):
                address, pool = next(free, (None, None))
                free_ones = f" Free are address6: {address}, pool6: {pool}" if address else ""
                hint = f"The network has the prefix6 {network.prefix6.value} (line {network.prefix6.line})."
                yield Problem(f"{where} has no {' and no '.join(missing)}", hint + free_ones, allocation.label.span)


def _free6(network: NetworkSection, present: list[AllocationSection]) -> Iterator[Slot6]:
    taken = [
        (allocation.address6.value, allocation.pool6.value)
        for allocation in present
        if allocation.address6 and allocation.pool6
    ]
    if network.prefix6 is not None and LARGEST <= network.prefix6.value.prefixlen <= SMALLEST:
        yield from free_slots(network.prefix6.value, taken)


RULES = (check_known, check_lacking, check_ipv6)
