"""A range for the addresses inside the encryption that collides with nothing of the hosts."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network

from dockmesh.meshfile.rules.encryption import TAILSCALE
from dockmesh.model.encryption import DEFAULT_PREFIX, LONGEST_PREFIX

# RFC 2544's second half; then private ones (RFC 1918), those first that fewest people choose.
SECOND = IPv4Network("198.19.0.0/16")
PRIVATE = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"))


def choose(taken: Iterable[IPv4Network]) -> IPv4Network | None:
    """The first range that overlaps none of these; None if there is none. A way to everybody takes nothing."""
    others = [network for network in taken if network.prefixlen]
    return next(
        (each for each in _candidates() if not any(each.overlaps(other) for other in (*others, TAILSCALE))), None
    )


def _candidates() -> Iterator[IPv4Network]:
    yield from (DEFAULT_PREFIX, SECOND)
    for block in PRIVATE:
        yield from reversed([*block.subnets(new_prefix=LONGEST_PREFIX)])
