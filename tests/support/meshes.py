"""Meshes to test with, in a line each."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

from hypothesis import strategies as st

from dockmesh.model.encryption import Encryption
from dockmesh.model.mesh import (
    Bfd,
    Datapath,
    Degree,
    Fabric,
    Forwarding,
    FullMesh,
    Host,
    Links,
    Listen,
    Mesh,
    Renderer,
    Ring,
    Sites,
    Star,
    Topology,
    TunnelDevices,
)
from dockmesh.model.network import DOCKER_BRIDGE, Allocation, Attachment, Network
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.address import assign, free_slots6

GUIDE = "172.17.0.0/16"
# Not the default, which is `direct`.
TREE = Fabric(forwarding=Forwarding.RSTP)
# Tunnels that are the kernel's devices.
KERNEL = Fabric(datapath=Datapath.NETDEV, tunnel=Tunnel.VXLAN, tunnel_devices=TunnelDevices.KERNEL)
ENCRYPTED = replace(KERNEL, encryption=Encryption())
MESH_FILE = """\
name: prod
networks:
  - name: docker0
    prefix: 172.17.0.0/16
hosts:
  host1: {underlay: 1.1.1.1, address: 172.17.42.1, pool: 172.17.64.0/18}
  host2: {underlay: 2.2.2.2, address: 172.17.42.2, pool: 172.17.128.0/18}
  host3: {underlay: 3.3.3.3, address: 172.17.42.3, pool: 172.17.192.0/18}
"""


def mesh_of(count: int = 3, *, prefix: str = GUIDE, fabric: Fabric | None = None, underlay: str = "10.77.0.0") -> Mesh:
    """host1, host2 … with underlay addresses from the one after `underlay` on and what `assign` gives them.

    The fabric is what a mesh file has without a word about it; a test that wants another says so.
    """
    network = IPv4Network(prefix)
    first = ip_address(underlay)
    return Mesh(
        name="prod",
        fabric=fabric or Fabric(),
        networks=(Network(DOCKER_BRIDGE, network),),
        hosts=tuple(
            Host(f"host{number}", first + number, (Allocation(DOCKER_BRIDGE, slot.address, slot.pool),))
            for number, slot in enumerate(assign(network, count).slots, start=1)
        ),
    )


def with_network(
    mesh: Mesh,
    name: str = "blue",
    prefix: str = "10.80.0.0/16",
    *,
    vlan: int = 20,
    internal: bool = False,
    hosts: tuple[str, ...] | None = None,
    prefix6: str | None = None,
) -> Mesh:
    """The mesh with another network, on all hosts or on some."""
    network = Network(name, IPv4Network(prefix), vlan, internal, hosts, IPv6Network(prefix6) if prefix6 else None)
    on = [host.name for host in mesh.hosts if network.has(host.name)]
    slots = dict(zip(on, assign(network.prefix, len(on)).slots, strict=True))
    six = dict(zip(on, free_slots6(network, ()), strict=False))
    return replace(
        mesh,
        networks=(*mesh.networks, network),
        hosts=tuple(
            replace(
                host,
                allocations=(
                    *host.allocations,
                    Allocation(name, slots[host.name].address, slots[host.name].pool, *six[host.name]),
                ),
            )
            if host.name in slots
            else host
            for host in mesh.hosts
        ),
    )


def with_attachment(mesh: Mesh, network: str = "blue", attach: Attachment | None = None) -> Mesh:
    """The mesh with an interface of host1, or that one, at one of its networks."""
    attach = attach or Attachment("host1", "eth1")

    def changed(each: Network) -> Network:
        return replace(each, attach=attach) if each.name == network else each

    return replace(mesh, networks=tuple(map(changed, mesh.networks)))


def in_docker0(address: IPv4Address | str, pool: IPv4Network | str) -> tuple[Allocation]:
    """All that a host on no other network has."""
    return (Allocation(DOCKER_BRIDGE, IPv4Address(address), IPv4Network(pool)),)


def moved(host: Host, address: IPv4Address | str | None = None, pool: IPv4Network | str | None = None) -> Host:
    """With another address or pool in docker0."""
    docker0 = in_docker0(address or host.address, pool or host.pool)
    return replace(host, allocations=(*docker0, *host.further))


def swapped(mesh: Mesh) -> Mesh:
    """The first two hosts with each other's addresses and pools in docker0."""
    one, two, *others = mesh.hosts
    return replace(mesh, hosts=(moved(one, two.address, two.pool), moved(two, one.address, one.pool), *others))


def addresses(count: int) -> dict[str, IPv4Address]:
    """host1, host2 … from the guide's first bridge address on, as `dockmesh init` gives them."""
    return {f"host{number}": IPv4Address("172.17.42.0") + number for number in range(1, count + 1)}


def with_underlay(mesh: Mesh, **addresses: str) -> Mesh:
    """The same mesh after some of its hosts got other underlay addresses."""
    moved = (
        replace(host, underlay=ip_address(addresses[host.name])) if host.name in addresses else host
        for host in mesh.hosts
    )
    return replace(mesh, hosts=tuple(moved))


def without(mesh: Mesh, name: str) -> Mesh:
    return replace(mesh, hosts=tuple(host for host in mesh.hosts if host.name != name))


@st.composite
def meshes(draw: st.DrawFn, most: int = 7) -> Mesh:
    """Any mesh that a file may describe, of two hosts and more."""
    count = draw(st.integers(2, most))
    names = [f"host{number}" for number in range(1, count + 1)]
    prefix = draw(st.sampled_from(["172.17.0.0/16", "11.0.0.0/8", "192.168.64.0/18", "10.99.8.0/22", "10.99.0.0/24"]))
    tunnel = draw(st.sampled_from(Tunnel))
    fabric = Fabric(
        tunnel=tunnel,
        key=draw(st.none() | st.integers(1, tunnel.encapsulation.largest_key)),
        topology=draw(topologies(names)),
        forwarding=draw(st.sampled_from(Forwarding)),
        bfd=Bfd(draw(st.integers(30, 1000)), draw(st.integers(2, 10))),
        datapath=draw(st.sampled_from(Datapath)),
        renderer=draw(st.sampled_from(Renderer)),
    )
    mesh = mesh_of(count, prefix=prefix, fabric=fabric, underlay=draw(st.sampled_from(["10.77.0.0", "fd77::"])))
    mtus = draw(st.lists(st.sampled_from([1400, 1500, 9000]), min_size=count, max_size=count))
    hosts = (replace(host, underlay_mtu=mtu) for host, mtu in zip(mesh.hosts, mtus, strict=True))
    mesh = replace(
        mesh,
        hosts=tuple(draw(st.permutations(list(hosts)))),
        docker_api=draw(st.none() | st.just(Listen.MESH)),
        domain=draw(st.sampled_from([None, "mesh", "mesh.example.com"])),
    )
    for number in range(draw(st.integers(0, 2))):
        on = draw(st.none() | st.lists(st.sampled_from(names), min_size=1, unique=True))
        mesh = with_network(
            mesh,
            f"net{number}",
            f"10.{200 + number}.0.0/16",
            vlan=draw(st.integers(1, 2000)) * 2 + number,
            internal=draw(st.booleans()),
            hosts=None if on is None else tuple(on),
            prefix6=draw(st.none() | st.just(f"fd00:{200 + number}::/64")),
        )
    return mesh


@st.composite
def attached_meshes(draw: st.DrawFn) -> Mesh:
    """The same, with something attached to some of their networks: one interface of each host, a tag for each."""
    mesh = draw(meshes())
    for network in mesh.networks:
        host = draw(st.none() | st.sampled_from([each.name for each in mesh.hosts if network.has(each.name)]))
        if host is not None:
            mesh = with_attachment(mesh, network.name, Attachment(host, "eth1", network.vlan))
    return mesh


@st.composite
def topologies(draw: st.DrawFn, names: list[str]) -> Topology:
    kind = draw(st.sampled_from(["full-mesh", "ring", "star", "degree", "sites", "links"]))
    if kind == "degree" and len(names) > 2:
        return Degree(draw(st.integers(2, len(names) - 1)))
    if kind == "ring":
        return Ring()
    if kind == "star":
        return Star(draw(st.none() | st.sampled_from(names)))
    if kind == "sites":
        order = draw(st.permutations(names))
        cut = draw(st.integers(1, len(names) - 1))
        return Sites((("here", tuple(order[:cut])), ("there", tuple(order[cut:]))))
    if kind == "links":
        # A random tree, and some links more.
        tree = [(names[draw(st.integers(0, end - 1))], names[end]) for end in range(1, len(names))]
        known = {frozenset(pair) for pair in tree}
        pairs = st.tuples(st.sampled_from(names), st.sampled_from(names)).filter(
            lambda pair: pair[0] != pair[1] and frozenset(pair) not in known
        )
        free = len(names) * (len(names) - 1) // 2 - len(known)
        more = draw(st.lists(pairs, max_size=4, unique_by=frozenset)) if free else []
        return Links((*tree, *more))
    return FullMesh()
