"""IPv6 addresses and pools by number."""

from ipaddress import IPv6Address, IPv6Network
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from dockmesh.meshfile.slots6 import LARGEST, SMALLEST, free_slots, slot

PREFIX = IPv6Network("fd00:80::/64")


def test_a_host_has_its_number_in_address_and_pool() -> None:
    assert slot(PREFIX, 1) == (IPv6Address("fd00:80::1"), IPv6Network("fd00:80:0:0:1::/80"))
    assert slot(IPv6Network("fd00:80::/112"), 3) == (IPv6Address("fd00:80::3"), IPv6Network("fd00:80::300/120"))


def test_a_later_host_comes_after_the_last_and_into_a_gap_only_then() -> None:
    taken = [slot(PREFIX, 1), slot(PREFIX, 3)]

    assert next(free_slots(PREFIX, taken)) == slot(PREFIX, 4)
    assert list(free_slots(IPv6Network("fd00::/112"), [slot(IPv6Network("fd00::/112"), 255)]))[:2] == [
        slot(IPv6Network("fd00::/112"), number) for number in (1, 2)
    ]


def test_addresses_that_somebody_chose_are_left_alone() -> None:
    taken = [(IPv6Address("fd00:80::ffff:0:0:1"), IPv6Network("fd00:80:0:0:8000::/66"))]

    assert next(free_slots(PREFIX, taken)) == slot(PREFIX, 1)


@given(st.integers(LARGEST, SMALLEST), st.integers(1, 200))
def test_slots_never_meet_and_lie_in_the_prefix(length: int, count: int) -> None:
    prefix = IPv6Network(("fd00:80::", length))

    found = list(islice(free_slots(prefix, []), count))

    assert len({address for address, _ in found}) == len(found) == min(count, 255)
    for (address, pool), (_, other) in zip(found, [*found[1:], (None, None)], strict=True):
        assert pool.subnet_of(prefix)
        assert address in prefix
        assert not any(address in each for _, each in found)
        assert other is None or not pool.overlaps(other)
