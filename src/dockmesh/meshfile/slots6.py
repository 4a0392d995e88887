"""IPv6 addresses and pools for hosts that have none yet: by number, so that later hosts never move earlier ones.

Host 1 of fd00:80::/64 has the address fd00:80::1 and the pool fd00:80:0:0:1::/80: the first block of the prefix holds
the hosts' bridge addresses, and each block after it is the pool of one host.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address, IPv6Network

# Docker 26 counts the addresses of a network in 64 bits, and a pool must leave room for some containers.
LARGEST, SMALLEST = 64, 112
# Bits for the number of a host: 65,535 of them, or 255 where the prefix is small.
MANY, FEW = 16, 8

Slot6 = tuple[IPv6Address, IPv6Network]


def slot(prefix: IPv6Network, number: int) -> Slot6:
    """`prefix` is from /64 to /112, `number` from 1 to 65,535, or 255 where the prefix is smaller than a /96."""
    length = prefix.prefixlen + _bits(prefix)
    start = int(prefix.network_address)
    return IPv6Address(start + number), IPv6Network((start + (number << (128 - length)), length))


def free_slots(prefix: IPv6Network, taken: Iterable[Slot6]) -> Iterator[Slot6]:
    """Those after the last that is taken first: a gap is where a host was, and somebody may hold on to its address."""
    addresses = {address for address, _ in taken}
    pools = [pool for _, pool in taken]
    most = 1 << _bits(prefix)
    last = max((int(address) - int(prefix.network_address) for address in addresses), default=0)
    for number in (*range(min(last, most) + 1, most), *range(1, min(last + 1, most))):
        found = slot(prefix, number)
        blocked = found[0] in addresses or any(found[1].overlaps(pool) or found[0] in pool for pool in pools)
        if not blocked and not any(address in found[1] for address in addresses):
            yield found


def _bits(prefix: IPv6Network) -> int:
    return MANY if prefix.prefixlen <= SMALLEST - MANY else FEW
