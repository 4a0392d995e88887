"""Blocks of addresses: which of them hold one another, which are free, which serve something else."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, summarize_address_range
from typing import Generic, Protocol, TypeVar

from dockmesh.meshfile.types import Located

Address = IPv4Address | IPv6Address
Net = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class ReservedUse:
    network: Net
    article_name: str
    why: str

    @property
    def shown(self) -> str:
        """The same with every Python: since 3.13 it writes the second half of ::ffff:0:0 with dots."""
        return str(self.network).replace("::ffff:0.0.0.0", "::ffff:0:0")


# RFC 6890, section 2.2.2, of which these can be no host's address in a network of hosts; RFC 5771 for multicast.
RESERVED = (
    ReservedUse(IPv4Network("0.0.0.0/8"), "an unspecified address", "for hosts that have no address yet"),
    ReservedUse(IPv4Network("127.0.0.0/8"), "a loopback address", "loopback: each host reaches itself there"),
    ReservedUse(
        IPv4Network("169.254.0.0/16"), "a link-local address", "link-local: hosts choose such addresses at random"
    ),
    ReservedUse(IPv4Network("224.0.0.0/4"), "a multicast address", "multicast: groups, never one host"),
    ReservedUse(IPv4Network("240.0.0.0/4"), "a reserved address", "reserved, and Linux does not route it everywhere"),
)


# RFC 6890, section 2.2.3, and RFC 4291.
RESERVED_6 = (
    ReservedUse(IPv6Network("::/128"), "an unspecified address", "for hosts that have no address yet"),
    ReservedUse(IPv6Network("::1/128"), "a loopback address", "loopback: each host reaches itself there"),
    ReservedUse(
        IPv6Network("::ffff:0:0/96"), "an IPv4-mapped IPv6 address", "used inside programs, never on a network"
    ),
    ReservedUse(IPv6Network("fe80::/10"), "a link-local address", "link-local: without its link it means nothing"),
    ReservedUse(IPv6Network("ff00::/8"), "a multicast address", "multicast: groups, never one host"),
)


def reserved_use(address: Address) -> ReservedUse | None:
    return next((use for use in (*RESERVED, *RESERVED_6) if address in use.network), None)


def within(part: Net, whole: Net) -> bool:
    return part.overlaps(whole) and part.prefixlen >= whole.prefixlen


class Owner(Protocol):
    @property
    def pool(self) -> Located[Net] | None: ...


Owns = TypeVar("Owns", bound=Owner)


@dataclass(frozen=True, slots=True)
class Blocks(Generic[Owns]):
    """The pools of hosts, by size and place.

    Two CIDR blocks are apart or one holds the other, so whatever holds an address is found by asking once for each
    size that occurs: at most 33 questions for IPv4, however many hosts there are.
    """

    owners: dict[tuple[int, int], list[Owns]]
    lengths: tuple[int, ...]

    @classmethod
    def of_pools(cls, hosts: Iterable[Owns]) -> "Blocks[Owns]":
        owners: dict[tuple[int, int], list[Owns]] = {}
        for host in hosts:
            if host.pool is not None:
                pool = host.pool.value
                owners.setdefault((pool.prefixlen, int(pool.network_address)), []).append(host)
        return cls(owners, tuple(sorted({length for length, _ in owners})))

    def owners_of(self, address: Address, *, at_most: int = 128) -> Iterator[Owns]:
        """The first host of every pool that holds the address, the largest pool first; `at_most` is a prefix length."""
        for length in self.lengths:
            if length <= at_most:
                below = address.max_prefixlen - length
                start = int(address) >> below << below
                yield from self.owners.get((length, start), [])[:2]


def free_blocks(prefix: IPv4Network, taken: Iterable[IPv4Network], *, count: int = 4) -> list[IPv4Network]:
    """The `count` largest blocks of the prefix that touch nothing taken, in the order of their addresses.

    A block that is nothing but an end of the prefix is of no use to anyone, and not among them.
    """
    first, last = int(prefix.network_address), int(prefix.broadcast_address)
    gaps: list[tuple[int, int]] = []
    free_from = first
    for start, end in sorted((int(block.network_address), int(block.broadcast_address)) for block in taken):
        if start > last:
            break
        if start > free_from:
            gaps.append((free_from, start - 1))
        free_from = max(free_from, end + 1)
    if free_from <= last:
        gaps.append((free_from, last))
    # A block lies in one gap, so the `count` largest gaps hold the `count` largest blocks' worth of choice.
    largest = sorted(gaps, key=lambda gap: gap[0] - gap[1])[:count]
    blocks = [
        block
        for low, high in largest
        for block in summarize_address_range(IPv4Address(low), IPv4Address(high))
        if int(block.network_address) not in (first, last) or block.num_addresses > 1
    ]
    return sorted(sorted(blocks, key=lambda block: (block.prefixlen, block))[:count])
