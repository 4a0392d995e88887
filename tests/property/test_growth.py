"""What `plan/address.py` promises: nothing overlaps, and growth never moves a host."""

from ipaddress import IPv4Network
from itertools import combinations, islice

from hypothesis import assume, given
from hypothesis import strategies as st

from dockmesh.errors import UsageError
from dockmesh.plan.address import AddressPlan, Slot, assign, later_slots, room


@st.composite
def prefixes(draw: st.DrawFn) -> IPv4Network:
    length = draw(st.integers(8, 28))
    return IPv4Network((draw(st.integers(1, 223)) << 24 | draw(st.integers(0, 2**24 - 1)), length), strict=False)


@st.composite
def planned(draw: st.DrawFn) -> tuple[IPv4Network, AddressPlan]:
    prefix = draw(prefixes())
    hosts = draw(st.integers(2, 40))
    max_hosts = draw(st.none() | st.integers(1, 300))
    try:
        return prefix, assign(prefix, hosts, max_hosts)
    except UsageError:
        assume(False)
        raise


def is_sound(prefix: IPv4Network, slots: tuple[Slot, ...]) -> bool:
    addresses = [slot.address for slot in slots]
    pools = [slot.pool for slot in slots]
    return (
        len(set(addresses)) == len(addresses)
        and all(address in prefix for address in addresses)
        and not {prefix.network_address, prefix.broadcast_address} & set(addresses)
        and all(pool.subnet_of(prefix) and pool.num_addresses >= 4 for pool in pools)
        and not any(one.overlaps(other) for one, other in combinations(pools, 2))
        and not any(address in pool for address in addresses for pool in pools)
    )


@given(planned())
def test_no_pool_overlaps_and_no_address_is_in_a_pool(mesh: tuple[IPv4Network, AddressPlan]) -> None:
    prefix, plan = mesh

    assert is_sound(prefix, plan.slots)
    assert len({slot.pool.prefixlen for slot in plan.slots}) == 1


@given(planned())
def test_hosts_that_come_later_fit_beside_the_present_ones(mesh: tuple[IPv4Network, AddressPlan]) -> None:
    prefix, plan = mesh

    later = tuple(islice(later_slots(prefix, plan.slots), 30))

    assert is_sound(prefix, (*plan.slots, *later))


@given(planned())
def test_room_is_the_number_of_hosts_that_can_be_added_one_by_one(mesh: tuple[IPv4Network, AddressPlan]) -> None:
    prefix, plan = mesh
    assume(plan.room <= 20)
    slots = plan.slots

    for left in reversed(range(plan.room)):
        slots = (*slots, next(later_slots(prefix, slots)))
        assert room(prefix, slots) == left

    assert is_sound(prefix, slots)


@given(prefixes(), st.integers(2, 20), st.integers(0, 700))
def test_room_made_by_max_hosts_is_there_and_moves_nobody(prefix: IPv4Network, hosts: int, more: int) -> None:
    try:
        small, large = assign(prefix, hosts, hosts + more), assign(prefix, hosts + more)
    except UsageError:
        assume(False)

    assert small.slots == large.slots[:hosts]
    assert small.room >= more


@given(planned(), st.data())
def test_a_host_may_leave_and_another_come(mesh: tuple[IPv4Network, AddressPlan], data: st.DataObject) -> None:
    prefix, plan = mesh
    left = data.draw(st.sampled_from(plan.slots))
    others = tuple(slot for slot in plan.slots if slot != left)

    came = next(later_slots(prefix, others))

    assert is_sound(prefix, (*others, came))
    assert came.pool.num_addresses >= left.pool.num_addresses
