from ipaddress import IPv4Address, IPv4Network

import pytest

from dockmesh.errors import UsageError
from dockmesh.plan.address import Slot, assign, later_slots

GUIDE = IPv4Network("172.17.0.0/16")


def slot(address: str, pool: str) -> Slot:
    return Slot(IPv4Address(address), IPv4Network(pool))


def test_three_hosts_get_the_numbers_of_the_guide() -> None:
    assert assign(GUIDE, 3).slots == (
        slot("172.17.42.1", "172.17.64.0/18"),
        slot("172.17.42.2", "172.17.128.0/18"),
        slot("172.17.42.3", "172.17.192.0/18"),
    )


@pytest.mark.parametrize(
    ("hosts", "first_pool", "last_pool"),
    [
        (2, "172.17.64.0/18", "172.17.128.0/18"),
        (4, "172.17.32.0/19", "172.17.128.0/19"),
        (7, "172.17.32.0/19", "172.17.224.0/19"),
        (8, "172.17.16.0/20", "172.17.128.0/20"),
        (15, "172.17.16.0/20", "172.17.240.0/20"),
        (255, "172.17.1.0/24", "172.17.255.0/24"),
        (300, "172.17.1.128/25", "172.17.151.0/25"),
        (1000, "172.17.4.0/26", "172.17.253.192/26"),
    ],
)
def test_more_hosts_get_smaller_pools(hosts: int, first_pool: str, last_pool: str) -> None:
    slots = assign(GUIDE, hosts).slots

    assert (str(slots[0].pool), str(slots[-1].pool)) == (first_pool, last_pool)


@pytest.mark.parametrize(
    ("prefix", "hosts", "first"),
    [
        ("172.17.0.0/16", 5, "172.17.0.1"),  # a block of 32 x 256 addresses ends before the guide's .42
        ("10.0.0.0/8", 3, "10.0.42.1"),
        ("10.0.0.0/8", 300, "10.0.42.1"),
        ("192.168.0.0/17", 3, "192.168.0.1"),
        ("10.9.8.0/24", 3, "10.9.8.1"),
        ("10.9.8.16/28", 3, "10.9.8.17"),
    ],
)
def test_bridge_addresses_start_at_the_guides_offset_where_the_first_block_reaches_it(
    prefix: str, hosts: int, first: str
) -> None:
    assert str(assign(IPv4Network(prefix), hosts).slots[0].address) == first


def test_max_hosts_cuts_the_pools_for_so_many() -> None:
    planned = assign(GUIDE, 3, max_hosts=7)

    assert planned.slots == assign(GUIDE, 7).slots[:3]
    assert planned.room >= 4


@pytest.mark.parametrize(("prefix", "max_hosts"), [("172.17.0.0/16", 300), ("10.0.0.0/8", 5000), ("10.9.0.0/20", 819)])
def test_max_hosts_beyond_one_block_of_bridge_addresses_all_fit(prefix: str, max_hosts: int) -> None:
    assert assign(IPv4Network(prefix), 2, max_hosts).room >= max_hosts - 2


def test_max_hosts_below_the_number_of_hosts_changes_nothing() -> None:
    assert assign(GUIDE, 3, max_hosts=1) == assign(GUIDE, 3)


def test_a_later_host_of_a_planned_mesh_gets_the_block_that_was_kept_for_it() -> None:
    planned = assign(GUIDE, 7)

    assert next(later_slots(GUIDE, planned.slots[:3])) == planned.slots[3]


def test_a_fourth_host_gets_a_part_of_the_first_block_when_all_others_are_pools() -> None:
    fourth = next(later_slots(GUIDE, assign(GUIDE, 3).slots))

    assert fourth == slot("172.17.42.4", "172.17.0.0/19")


def test_a_removed_hosts_address_is_given_away_last() -> None:
    first, _, third = assign(GUIDE, 3).slots

    later = [str(each.address) for each in later_slots(GUIDE, (first, third))]

    assert later[0] == "172.17.42.4"
    assert "172.17.42.2" not in later


@pytest.mark.parametrize("prefix", ["10.0.0.0/29", "10.0.0.0/30", "10.0.0.0/31", "10.0.0.0/32"])
def test_a_prefix_without_room_for_two_pools_is_refused(prefix: str) -> None:
    with pytest.raises(UsageError, match="is too small for 2 hosts"):
        assign(IPv4Network(prefix), 2)


@pytest.mark.exhaustive
@pytest.mark.parametrize(("length", "most"), [(28, 3), (27, 6), (24, 51), (20, 819), (16, 13107)])
def test_the_smallest_pools_decide_how_many_hosts_a_prefix_takes(length: int, most: int) -> None:
    prefix = IPv4Network(("10.0.0.0", length))

    assert len(assign(prefix, most).slots) == most
    with pytest.raises(UsageError):
        assign(prefix, most + 1)


@pytest.mark.exhaustive
@pytest.mark.parametrize("hosts", [2, 3, 12, 13, 60, 1000])
def test_the_prefix_that_the_refusal_suggests_is_large_enough(hosts: int) -> None:
    with pytest.raises(UsageError) as refused:
        assign(IPv4Network("10.0.0.0/30"), hosts)
    length = str(refused.value.report.do).split("/")[1].split()[0]

    assert len(assign(IPv4Network(f"10.0.0.0/{length}"), hosts).slots) == hosts


def test_a_later_host_gets_nothing_of_what_is_outside() -> None:
    prefix = IPv4Network("10.80.0.0/16")
    slots = assign(prefix, 2, 8).slots
    outside = IPv4Network("10.80.128.0/17")

    later = list(later_slots(prefix, slots, (outside,)))

    assert later
    assert not any(slot.pool.overlaps(outside) or slot.address in outside for slot in later)
    assert len(later) < len(list(later_slots(prefix, slots)))
