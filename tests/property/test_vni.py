"""What must be true of the VNIs of every mesh whose tunnels are the kernel's devices."""

from dataclasses import replace
from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from dockmesh.model.vxlan import LARGEST_VNI, vni
from dockmesh.plan.build import build
from dockmesh.plan.types import Plan
from tests.support.meshes import KERNEL, mesh_of

# Of the widest prefix that the file may have.
ADDRESSES = st.integers(1, 2**24 - 2).map(lambda number: IPv4Address(int(IPv4Address("10.0.0.0")) + number))
KEYS = st.none() | st.integers(1, 2**23)


def vnis(plan: Plan) -> dict[tuple[str, str], int]:
    """By host and peer."""
    return {(host.name, end.peer): end.device.vni for host in plan.hosts for end in host.tunnels if end.device}


@given(st.sets(ADDRESSES, min_size=2, max_size=60), KEYS)
def test_no_two_pairs_of_one_host_have_one_and_both_ends_agree(addresses: set[IPv4Address], key: int | None) -> None:
    for one in addresses:
        others = [vni(one, other, key) for other in addresses - {one}]

        assert len(set(others)) == len(others)
        assert others == [vni(other, one, key) for other in addresses - {one}]
        assert min(others) > (key or 0)


@given(ADDRESSES, ADDRESSES)
def test_without_a_key_each_fits_into_its_24_bits(one: IPv4Address, other: IPv4Address) -> None:
    assert 0 <= vni(one, other, None) <= LARGEST_VNI


@given(st.data(), st.integers(3, 12))
def test_hosts_that_go_or_get_another_name_or_place_move_nobody_elses(data: st.DataObject, count: int) -> None:
    mesh = mesh_of(count, fabric=KERNEL)
    before = vnis(build(mesh))
    left = data.draw(st.permutations(mesh.hosts))[: max(2, count - 2)]
    renamed = {host.name: f"new-{host.name}" for host in left}

    after = vnis(build(replace(mesh, hosts=tuple(replace(host, name=renamed[host.name]) for host in left))))

    kept = {
        (renamed[host], renamed[peer]): number for (host, peer), number in before.items() if {host, peer} <= {*renamed}
    }
    assert after == kept


@given(st.integers(2, 12))
def test_what_one_end_sends_the_other_takes(count: int) -> None:
    plan = build(mesh_of(count, fabric=KERNEL))
    devices = {(host.name, end.peer): end.device for host in plan.hosts for end in host.tunnels}

    for (host, peer), device in devices.items():
        other = devices[peer, host]
        assert device is not None
        assert other is not None
        assert (device.local, device.remote, device.vni) == (other.remote, other.local, other.vni)
