"""Mesh → Plan: pure, and the same for any order of the hosts in the file."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface, IPv6Network, collapse_addresses

from dockmesh.model.encryption import Encryption, HostEndpoint
from dockmesh.model.mesh import Fabric, Host, Mesh
from dockmesh.model.network import (
    ATTACH_SWITCH,
    DOCKER_BRIDGE,
    FABRIC_BRIDGE,
    NETWORK_BRIDGE,
    NETWORK_SWITCH,
    Allocation,
    Network,
)
from dockmesh.model.tunnel import MtuSum, overlay_mtu
from dockmesh.model.vxlan import VxlanDevice, vni
from dockmesh.plan import direct, dynamic, topology, tree
from dockmesh.plan.number import MOST, numbers
from dockmesh.plan.types import HostAttachment, HostNetwork, HostPlan, Link, Plan, TunnelEnd

VLANS = 4096  # IEEE 802.1Q
IFNAMSIZ = 16  # linux/if.h: so many bytes has the name of an interface, with a zero at its end


def build(mesh: Mesh) -> Plan:
    """Raises UsageError when the topology is too deep for a spanning tree, or without links of hosts that find no way
    to each other in parts.
    """
    hosts = tuple(sorted(mesh.hosts, key=lambda host: host.address))
    names = [host.name for host in hosts]
    wanted = topology.links({host.name: host.address for host in hosts}, mesh.fabric.topology)
    links, left_out = dynamic.split(hosts, wanted)
    planned_tree, forwards = None, {}
    priority: dict[str, int] = {}
    if not mesh.fabric.forwarding.has_tree:
        forwards = direct.forwards({host.name: host.address for host in hosts}, links)
    else:
        planned_tree = tree.spanning_tree(names, links, mesh.fabric.topology)
        priority = tree.priorities(names, planned_tree.root, planned_tree.backup_root)
    mtu_sum, narrowest = _mtu(mesh, hosts)
    number = numbers([host.address for host in hosts], mesh.docker0.prefix)
    inside = _inside(mesh.fabric.encryption, hosts, number)
    tunnels = _tunnels(mesh.fabric, hosts, links, inside)
    ports = _ports(mesh, number.values())
    return Plan(
        name=mesh.name,
        fabric=mesh.fabric,
        networks=mesh.networks,
        mtu_sum=mtu_sum,
        narrowest=narrowest,
        tree=planned_tree,
        links=links,
        left_out=left_out,
        hosts=tuple(
            replace(
                _host_plan(
                    host,
                    tuple(tunnels[host.name]),
                    number[host.address],
                    _host_networks(mesh, host, ports, mtu_sum.mtu),
                ),
                tree_priority=priority.get(host.name),
                forwards=forwards.get(host.name, ()),
                inside=inside.get(host.name),
            )
            for host in hosts
        ),
        debs=mesh.debs,
        domain=mesh.domain,
        docker_api=mesh.docker_api,
    )


def _mtu(mesh: Mesh, hosts: tuple[Host, ...]) -> tuple[MtuSum, tuple[str, ...]]:
    """One MTU for the whole mesh: a bridge has one, and whoever is narrower loses big frames in silence."""
    smallest = min(host.underlay_mtu for host in hosts)
    narrow = tuple(host.name for host in hosts if host.underlay_mtu == smallest)
    left = overlay_mtu(
        smallest,
        mesh.fabric.tunnel,
        mesh.ip_version,
        key=mesh.fabric.key is not None,
        encrypted=mesh.fabric.encryption is not None,
    )
    return left, narrow if len(narrow) < len(hosts) else ()


def _inside(
    encryption: Encryption | None, hosts: tuple[Host, ...], number: Mapping[IPv4Address, int]
) -> dict[str, IPv4Address]:
    """By host its address inside the encryption: its number there, so no host that comes or goes moves it."""
    return {host.name: encryption.prefix[number[host.address]] for host in hosts} if encryption else {}


def _tunnels(
    fabric: Fabric, hosts: tuple[Host, ...], links: tuple[Link, ...], inside: Mapping[str, IPv4Address]
) -> dict[str, list[TunnelEnd]]:
    """Per host its ends, numbered from 1 in the order of the peers' addresses, as the guide does."""
    by_name = {host.name: host for host in hosts}
    place = {host.name: index for index, host in enumerate(hosts)}
    peers: dict[str, list[str]] = defaultdict(list)
    for link in links:
        peers[link.a].append(link.b)
        peers[link.b].append(link.a)
    return {
        host.name: [
            _tunnel_end(fabric, host, by_name[peer], number, inside)
            for number, peer in enumerate(sorted(peers[host.name], key=place.__getitem__), start=1)
        ]
        for host in hosts
    }


def _tunnel_end(fabric: Fabric, host: Host, peer: Host, number: int, inside: Mapping[str, IPv4Address]) -> TunnelEnd:
    local, remote = inside.get(host.name, host.underlay), inside.get(peer.name, peer.underlay)
    device = None
    if fabric.kernel_devices:
        device = VxlanDevice(vni(host.address, peer.address, fabric.key), local, remote)
    found_at = (peer.endpoint or HostEndpoint(peer.underlay)) if inside else None
    end = TunnelEnd("", peer.name, remote, fabric.tunnel, device, found_at)
    return replace(end, port=f"{end.stem}{number}")


def _host_plan(host: Host, tunnels: tuple[TunnelEnd, ...], number: int, networks: tuple[HostNetwork, ...]) -> HostPlan:
    return HostPlan(
        name=host.name,
        underlay=host.underlay,
        underlay_mtu=host.underlay_mtu,
        ssh=host.ssh,
        networks=networks,
        tree_priority=None,
        tunnels=tunnels,
        number=number,
        endpoint=host.endpoint,
        docker=host.docker,
    )


def _host_networks(mesh: Mesh, host: Host, ports: Mapping[str, int], mesh_mtu: int) -> tuple[HostNetwork, ...]:
    networks = {network.name: network for network in mesh.networks}
    return tuple(
        _host_network(host.name, networks[allocation.network], allocation, ports, mesh_mtu)
        for allocation in host.allocations
    )


def _host_network(
    host: str, network: Network, allocation: Allocation, ports: Mapping[str, int], mesh_mtu: int
) -> HostNetwork:
    prefix = network.prefix
    not_handed_out = (prefix.network_address, prefix.broadcast_address, allocation.address)
    first = network.vlan is None
    return HostNetwork(
        name=network.name,
        vlan=network.vlan,
        internal=network.internal,
        address=IPv4Interface((allocation.address, prefix.prefixlen)),
        pool=allocation.pool,
        containers=allocation.pool.num_addresses - sum(address in allocation.pool for address in not_handed_out),
        prefixes=(*collapse_addresses([allocation.pool, IPv4Network(allocation.address)]), *_prefixes6(allocation)),
        mtu=network.mtu(mesh_mtu),
        bridge=DOCKER_BRIDGE if first else f"{NETWORK_BRIDGE}{network.name}",
        bridge_mac=_mac("02:42", allocation.address),
        switch=FABRIC_BRIDGE if first else f"{NETWORK_SWITCH}{network.name}",
        switch_mac=_mac("0e:6d", allocation.address),
        port=ports.get(network.name),
        address6=_interface6(network, allocation),
        pool6=allocation.pool6,
        attach=_attachment(host, network, ports),
    )


def _prefixes6(allocation: Allocation) -> Iterable[IPv6Network]:
    if allocation.address6 is None or allocation.pool6 is None:
        return ()
    return collapse_addresses([allocation.pool6, IPv6Network(allocation.address6)])


def _interface6(network: Network, allocation: Allocation) -> IPv6Interface | None:
    if network.prefix6 is None or allocation.address6 is None:
        return None
    return IPv6Interface((allocation.address6, network.prefix6.prefixlen))


def _attachment(host: str, network: Network, ports: Mapping[str, int]) -> HostAttachment | None:
    attach = network.attach
    if attach is None or attach.host != host:
        return None
    return HostAttachment(
        network=network.name,
        interface=attach.interface,
        vlan=attach.vlan,
        addresses=attach.addresses or network.prefix,
        switch=_attach_switch(attach.interface),
        switch_mac=":".join(["0e:61", *re.findall("..", _digest(f"{host} {attach.interface}"))]),
        port=ports[f"{ATTACH_SWITCH}{network.name}"],
        dhcp=attach.dhcp,
    )


def _attach_switch(interface: str) -> str:
    """After the interface, if Linux takes that name."""
    name = f"{ATTACH_SWITCH}{interface}"
    return name if len(name) < IFNAMSIZ else f"{ATTACH_SWITCH}{_digest(interface)}"


def _digest(text: str) -> str:
    """Four bytes, in hexadecimal."""
    return sha256(text.encode()).hexdigest()[:8]


def _ports(mesh: Mesh, taken: Collection[int]) -> dict[str, int]:
    """By further network the OpenFlow port that leads to it, from the highest number down: none of a host's.

    After those, by `ATTACH_SWITCH` and the network, that which leads to what is attached to it.
    """
    ports: dict[str, int] = {}
    attached = [network for network in mesh.networks if network.attach is not None]
    for name, first in (
        *((network.name, MOST - (network.vlan or 0)) for network in mesh.further),
        *((f"{ATTACH_SWITCH}{network.name}", MOST - VLANS - (network.vlan or 0)) for network in attached),
    ):
        number = first
        while number in taken or number in ports.values():
            number -= 1
        ports[name] = number
    return ports


def _mac(start: str, address: IPv4Address) -> str:
    """A locally administered address out of an IPv4 address, which is unique in the mesh, so this is too.

    02:42 is how Docker makes its containers' addresses: a bridge address is never a container's, so it adds one more
    of the same kind. Fixed, because a bridge otherwise takes the lowest address of its members and changes it under
    the feet of everybody's ARP cache; and because in a spanning tree it breaks the ties.
    """
    return ":".join([start, *(f"{byte:02x}" for byte in address.packed)])
