"""An edit of the mesh file in JSON; docs/reference/json.md describes it."""

from typing import Any

from dockmesh.cli.edit import Edit
from dockmesh.model.mesh import Host
from dockmesh.model.network import Allocation, Network
from dockmesh.plan.room import room_of


def edit_json(edit: Edit, *, written: bool) -> dict[str, Any]:
    """Under stable names; docs/reference/json.md describes them."""
    room = room_of(edit.new)
    return {
        "file": str(edit.file),
        "written": written,
        "added": [_host_json(host) for host in edit.came],
        "removed": edit.gone,
        "networks_added": [_network_json(network) for network in edit.networks_came],
        "networks_removed": [network.name for network in edit.networks_gone],
        "difference": edit.difference,
        "more_tunnels": {host: list(peers) for host, peers in edit.effect.more},
        "fewer_tunnels": {host: list(peers) for host, peers in edit.effect.fewer},
        "docker_restarts": list(edit.effect.docker_restarts),
        "bridge_recreated": list(edit.effect.bridge_recreated),
        "bridge_made_anew": list(edit.effect.bridge_recreated),  # its name until 0.1.0
        "room": room.hosts,
        "room_in": room.narrowest.name,
        "room_pools": list(room.pools),
    }


def _network_json(network: Network) -> dict[str, Any]:
    return {
        "name": network.name,
        "prefix": str(network.prefix),
        "vlan": network.vlan,
        "internal": network.internal,
        "hosts": None if network.hosts is None else list(network.hosts),
        **({"prefix6": str(network.prefix6)} if network.prefix6 else {}),
    }


def _host_json(host: Host) -> dict[str, Any]:
    return {
        "name": host.name,
        "underlay": str(host.underlay),
        "underlay_mtu": host.underlay_mtu,
        "address": str(host.address),
        "pool": str(host.pool),
        "networks": {allocation.network: _allocation_json(allocation) for allocation in host.allocations},
    }


def _allocation_json(allocation: Allocation) -> dict[str, Any]:
    six = {"address6": str(allocation.address6), "pool6": str(allocation.pool6)} if allocation.address6 else {}
    return {"address": str(allocation.address), "pool": str(allocation.pool), **six}
