"""Cluster → Plan: pure, and the same for any order of the hosts in the file."""

from collections import defaultdict
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, collapse_addresses

from dockmesh.model import Cluster, Forwarding, Host, Tunnel
from dockmesh.mtu import MtuSum, overlay_mtu
from dockmesh.plan import direct, topology, tree
from dockmesh.plan.number import numbers
from dockmesh.plan.types import HostPlan, Link, Plan, TunnelEnd


def build(cluster: Cluster) -> Plan:
    """Raises UsageError when the topology is too deep for a spanning tree."""
    hosts = tuple(sorted(cluster.hosts, key=lambda host: host.address))
    names = [host.name for host in hosts]
    links = topology.links({host.name: host.address for host in hosts}, cluster.fabric.topology)
    planned_tree, forwards = None, {}
    priority: dict[str, int] = {}
    if cluster.fabric.forwarding is Forwarding.DIRECT:
        forwards = direct.forwards({host.name: host.address for host in hosts}, links)
    else:
        planned_tree = tree.spanning_tree(names, links, cluster.fabric.topology)
        priority = tree.priorities(names, planned_tree.root, planned_tree.backup_root)
    mtu_sum, narrowest = _mtu(cluster, hosts)
    tunnels = _tunnels(cluster.fabric.tunnel, hosts, links)
    number = numbers([host.address for host in hosts], cluster.network.prefix)
    return Plan(
        name=cluster.name,
        fabric=cluster.fabric,
        prefix=cluster.network.prefix,
        mtu_sum=mtu_sum,
        narrowest=narrowest,
        tree=planned_tree,
        links=links,
        hosts=tuple(
            replace(
                _host_plan(cluster, host, tuple(tunnels[host.name]), number[host.address]),
                tree_priority=priority.get(host.name),
                forwards=forwards.get(host.name, ()),
            )
            for host in hosts
        ),
        debs=cluster.debs,
        domain=cluster.domain,
    )


def _mtu(cluster: Cluster, hosts: tuple[Host, ...]) -> tuple[MtuSum, tuple[str, ...]]:
    """One MTU for the whole mesh: a bridge has one, and whoever is narrower loses big frames in silence."""
    smallest = min(host.underlay_mtu for host in hosts)
    narrow = tuple(host.name for host in hosts if host.underlay_mtu == smallest)
    return _overlay_mtu(cluster, smallest), narrow if len(narrow) < len(hosts) else ()


def _overlay_mtu(cluster: Cluster, underlay_mtu: int) -> MtuSum:
    fabric = cluster.fabric
    return overlay_mtu(underlay_mtu, fabric.tunnel, cluster.ip_version, key=fabric.key is not None)


def _tunnels(kind: Tunnel, hosts: tuple[Host, ...], links: tuple[Link, ...]) -> dict[str, list[TunnelEnd]]:
    """Per host its ends, numbered from 1 in the order of the peers' addresses, as the guide does."""
    by_name = {host.name: host for host in hosts}
    place = {host.name: index for index, host in enumerate(hosts)}
    peers: dict[str, list[str]] = defaultdict(list)
    for link in links:
        peers[link.a].append(link.b)
        peers[link.b].append(link.a)
    return {
        host.name: [
            TunnelEnd(port=f"{kind}{number}", peer=peer, remote=by_name[peer].underlay, kind=kind)
            for number, peer in enumerate(sorted(peers[host.name], key=place.__getitem__), start=1)
        ]
        for host in hosts
    }


def _host_plan(cluster: Cluster, host: Host, tunnels: tuple[TunnelEnd, ...], number: int) -> HostPlan:
    prefix = cluster.network.prefix
    not_handed_out = (prefix.network_address, prefix.broadcast_address, host.address)
    return HostPlan(
        name=host.name,
        underlay=host.underlay,
        underlay_mtu=host.underlay_mtu,
        ssh=host.ssh,
        address=IPv4Interface((host.address, prefix.prefixlen)),
        pool=host.pool,
        containers=host.pool.num_addresses - sum(address in host.pool for address in not_handed_out),
        docker_bridge_mac=_mac("02:42", host.address),
        fabric_bridge_mac=_mac("0e:6d", host.address),
        tree_priority=None,
        tunnels=tunnels,
        number=number,
        prefixes=tuple(collapse_addresses([host.pool, IPv4Network(host.address)])),
    )


def _mac(start: str, address: IPv4Address) -> str:
    """A locally administered address out of an IPv4 address, which is unique in the mesh, so this is too.

    02:42 is how Docker makes its containers' addresses: a bridge address is never a container's, so it adds one more
    of the same kind. Fixed, because a bridge otherwise takes the lowest address of its members and changes it under
    the feet of everybody's ARP cache; and because in a spanning tree it breaks the ties.
    """
    return ":".join([start, *(f"{byte:02x}" for byte in address.packed)])
