"""Addresses and pools for hosts that have none yet, so that later hosts never move earlier ones.

A prefix is cut into 2^k equal blocks. The first ones hold the hosts' bridge addresses, every other block is the pool of
one host. Three hosts in 172.17.0.0/16 give the numbers of the 2015 guide: 172.17.42.1–3 and three pools of a /18.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import repeat

from dockmesh.errors import UsageError
from dockmesh.meshfile.slots6 import Slot6, free_slots
from dockmesh.model.mesh import Mesh
from dockmesh.model.network import Allocation, Network

# The guide's third octet. Used wherever the first block reaches that far, so that its readers feel at home.
GUIDE_OFFSET = 42 * 256
# A pool smaller than this is no present to anyone; hosts beyond the plan get no smaller ones.
SMALLEST_LATE_POOL = 256
SMALLEST_POOL = 4


@dataclass(frozen=True, slots=True)
class Slot:
    """What one host owns in the prefix."""

    address: IPv4Address
    pool: IPv4Network


@dataclass(frozen=True, slots=True)
class AddressPlan:
    slots: tuple[Slot, ...]
    room: int  # hosts that still fit without moving one of these


def assign(prefix: IPv4Network, hosts: int, max_hosts: int | None = None) -> AddressPlan:
    """Slots for `hosts` hosts, in blocks that would do for `max_hosts`.

    Raises UsageError when the prefix is too small for so many.
    """
    planned = max(hosts, max_hosts or hosts)
    bits, reserved = _cut(prefix, planned)
    size = prefix.num_addresses >> bits
    base = int(prefix.network_address)
    offset = GUIDE_OFFSET if GUIDE_OFFSET + planned < size and prefix.prefixlen <= 16 else 0
    slots = tuple(
        Slot(
            IPv4Address(base + offset + 1 + index),
            IPv4Network((base + (reserved + index) * size, prefix.prefixlen + bits)),
        )
        for index in range(hosts)
    )
    return AddressPlan(slots, room(prefix, slots))


def slots_in(mesh: Mesh, network: str) -> dict[str, Slot]:
    """By host what it has in one network."""
    return {
        host.name: Slot(allocation.address, allocation.pool)
        for host in mesh.hosts
        for allocation in host.allocations
        if allocation.network == network
    }


def free_slots6(network: Network, allocations: Iterable[Allocation]) -> Iterator[Slot6] | Iterator[tuple[None, None]]:
    """IPv6 addresses and pools beside those of `allocations`; without a prefix6, nothing for each."""
    if network.prefix6 is None:
        return repeat((None, None))
    return free_slots(
        network.prefix6,
        [
            (allocation.address6, allocation.pool6)
            for allocation in allocations
            if allocation.address6 and allocation.pool6
        ],
    )


def room(prefix: IPv4Network, slots: Collection[Slot], outside: Collection[IPv4Network] = ()) -> int:
    """How many more hosts fit beside these without changing others."""
    return sum(1 for _ in later_slots(prefix, slots, outside))


def outside_of(network: Network) -> tuple[IPv4Network, ...]:
    """What no host gets, for machines outside the mesh have it."""
    addresses = network.attach and network.attach.addresses
    return (addresses,) if addresses else ()


def later_slots(prefix: IPv4Network, slots: Collection[Slot], outside: Collection[IPv4Network] = ()) -> Iterator[Slot]:
    """Slots for hosts that come later, best first: pools as large as the present ones while there are any."""
    largest = min((slot.pool.prefixlen for slot in slots), default=prefix.prefixlen + 2)
    standard = prefix.num_addresses >> (largest - prefix.prefixlen)
    smallest = min(SMALLEST_LATE_POOL, standard)
    length = max(24, prefix.prefixlen + 2, largest)
    kept = _bridge_blocks(slots, length)
    addresses = _later_addresses(prefix, slots, kept, outside)
    free = _free_blocks(prefix, [*(slot.pool for slot in slots), *kept, *outside], smallest)
    while free:
        block = min(free, key=lambda net: (max(net.prefixlen, largest), int(net.network_address)))
        free.remove(block)
        pool = next(block.subnets(new_prefix=max(block.prefixlen, largest)))
        if pool != block:
            free.extend(block.address_exclude(pool))
        if (address := next(addresses, None)) is None:
            # The blocks of bridge addresses are full: begin another one, in the least that is left.
            fitting = [each for each in free if each.prefixlen <= length]
            if not fitting:
                return
            rest = min(fitting, key=lambda net: (-net.prefixlen, int(net.network_address)))
            block = next(rest.subnets(new_prefix=length))
            free.remove(rest)
            free.extend(rest.address_exclude(block))
            addresses = (each for each in block if each not in (prefix.network_address, prefix.broadcast_address))
            address = next(addresses)
        yield Slot(address, pool)


def _cut(prefix: IPv4Network, hosts: int) -> tuple[int, int]:
    """Into how many bits of blocks to cut the prefix, and how many blocks to keep for the bridge addresses."""
    for bits in range(2, 32 - prefix.prefixlen):
        size = prefix.num_addresses >> bits
        reserved = -(-(hosts + 1) // size)  # + 1: the network address is nobody's
        if size >= SMALLEST_POOL and (1 << bits) - reserved >= hosts:
            return bits, reserved
    raise UsageError(
        f"{prefix} is too small for {hosts} hosts: each needs an address of its own and a pool of {SMALLEST_POOL}",
        do=f"choose a larger prefix: /{_longest_prefix(hosts)} does for so many",
    )


def _longest_prefix(hosts: int) -> int:
    return max(0, 32 - (hosts * (SMALLEST_POOL + 2)).bit_length() - 1)


def _bridge_blocks(slots: Collection[Slot], length: int) -> list[IPv4Network]:
    """The blocks that hold bridge addresses: room for later ones, so never a pool."""
    return sorted({IPv4Network((int(slot.address), length), strict=False) for slot in slots})


def _later_addresses(
    prefix: IPv4Network,
    slots: Collection[Slot],
    blocks: Collection[IPv4Network],
    outside: Collection[IPv4Network],
) -> Iterator[IPv4Address]:
    taken = {slot.address for slot in slots} | {prefix.network_address, prefix.broadcast_address}
    last = max((slot.address for slot in slots), default=prefix.network_address)
    # After the last one first: a gap is where a host was, and somebody may still hold on to its address.
    for later in (True, False):
        for block in blocks or [prefix]:
            pools = [each for each in (*(slot.pool for slot in slots), *outside) if each.overlaps(block)]
            for address in block:
                if (address > last) == later and address not in taken and not any(address in pool for pool in pools):
                    yield address


def _free_blocks(prefix: IPv4Network, taken: Collection[IPv4Network], smallest: int) -> list[IPv4Network]:
    free = [prefix]
    for each in taken:
        free = [part for block in free for part in _without(block, each)]
    return [block for block in free if block.num_addresses >= smallest]


def _without(block: IPv4Network, taken: IPv4Network) -> Iterator[IPv4Network]:
    if not block.overlaps(taken):
        yield block
    elif taken.subnet_of(block) and taken != block:
        yield from block.address_exclude(taken)
