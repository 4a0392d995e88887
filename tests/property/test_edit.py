"""A host into any mesh and out of it again."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from hypothesis import assume, given
from hypothesis import strategies as st

from dockmesh.meshfile.edit.hosts import add_hosts, remove_hosts
from dockmesh.meshfile.load import parse
from dockmesh.meshfile.write import write_mesh
from dockmesh.model.mesh import Degree, FullMesh, Host, Links, Mesh, Ring, Sites, Ssh
from dockmesh.model.network import Allocation
from dockmesh.plan.address import Slot, free_slots6, later_slots, slots_in
from dockmesh.plan.build import build
from dockmesh.plan.effect import Effect, effect
from tests.support.meshes import meshes

FILE = "mesh.yaml"
SSH = st.builds(
    Ssh, st.none() | st.just("new.example.com"), st.none() | st.just("root"), st.none() | st.integers(1, 65535)
)


def grown(mesh: Mesh, ssh: Ssh) -> bytes:
    """With a host more, that is on every network which lists no hosts, and on the first that does."""
    listing = [network.name for network in mesh.further if network.hosts is not None][:1]
    slots = {
        network.name: next(later_slots(network.prefix, slots_in(mesh, network.name).values()), None)
        for network in mesh.networks
        if network.hosts is None or network.name in listing
    }
    assume(all(slots.values()))
    places = {name: slot for name, slot in slots.items() if slot is not None}
    present = [allocation for host in mesh.hosts for allocation in host.allocations]
    allocations = tuple(
        Allocation(
            each.name,
            *_parts(places[each.name]),
            *next(free_slots6(each, (allocation for allocation in present if allocation.network == each.name))),
        )
        for each in mesh.networks
        if each.name in places
    )
    underlay = mesh.hosts[0].underlay + 256
    new = Host("new", underlay, allocations, max(h.underlay_mtu for h in mesh.hosts), ssh)
    links = [(mesh.hosts[0].name, "new")] if isinstance(mesh.fabric.topology, Links) else []
    site = mesh.fabric.topology.groups[-1][0] if isinstance(mesh.fabric.topology, Sites) else None
    return add_hosts(FILE, write_mesh(mesh).encode(), [new], links, site=site, networks=listing)


def _parts(slot: Slot) -> tuple[IPv4Address, IPv4Network]:
    return slot.address, slot.pool


def caused(mesh: Mesh, after: bytes) -> Effect:
    return effect(build(mesh), build(parse(FILE, after)))


@given(meshes(), SSH)
def test_in_and_out_again_is_the_same_text(mesh: Mesh, ssh: Ssh) -> None:
    assert remove_hosts(FILE, grown(mesh, ssh), ["new"]) == write_mesh(mesh).encode()


@given(meshes())
def test_a_new_host_restarts_docker_nowhere_and_takes_no_tunnel_from_anybody(mesh: Mesh) -> None:
    found = caused(mesh, grown(mesh, Ssh()))

    assert found.docker_restarts == ()
    assert found.fewer == () or isinstance(mesh.fabric.topology, Degree | Ring | Sites)


@given(meshes(most=5), st.data())
def test_in_a_full_mesh_a_host_that_comes_or_goes_makes_no_bridge_anew(mesh: Mesh, data: st.DataObject) -> None:
    mesh = replace(mesh, fabric=replace(mesh.fabric, topology=FullMesh()))
    after = grown(mesh, Ssh())

    alone = {network.hosts for network in mesh.further}
    gone = data.draw(st.sampled_from([host.name for host in mesh.hosts]))
    assume((gone,) not in alone)

    found = effect(build(parse(FILE, after)), build(parse(FILE, remove_hosts(FILE, after, [gone]))))
    assert found.bridge_recreated == ()
    assert (caused(mesh, after).bridge_recreated, caused(mesh, after).root[1]) == ((), caused(mesh, after).root[0])
