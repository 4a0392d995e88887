"""The plan in JSON, under stable names; docs/reference/json.md describes them."""

from typing import Any

from dockmesh.model.network import Attachment, Network
from dockmesh.plan.remarks import remarks
from dockmesh.plan.resilience import Hops, Resilience
from dockmesh.plan.types import HostPlan, Plan


def plan_json(planned: Plan, found: Resilience) -> dict[str, Any]:
    """The plan under stable names; docs/reference/json.md describes them."""
    tree = planned.tree
    return {
        "name": planned.name,
        "prefix": str(planned.prefix),
        "mtu": planned.mtu,
        "mtu_sum": [
            {"name": "underlay MTU", "bytes": planned.mtu_sum.underlay},
            *({"name": name, "bytes": -size} for name, size in planned.mtu_sum.parts),
        ],
        "mtu_decided_by": list(planned.narrowest),
        "tunnel": str(planned.fabric.tunnel),
        "key": planned.fabric.key,
        "forwarding": str(planned.fabric.forwarding),
        "datapath": str(planned.fabric.datapath),
        "tunnel_devices": str(planned.fabric.tunnel_devices),
        "encryption": _encryption_json(planned),
        "renderer": str(planned.fabric.renderer),
        "root": tree and tree.root,
        "backup_root": tree and tree.backup_root,
        "networks": [
            {
                "name": network.name,
                "prefix": str(network.prefix),
                "vlan": network.vlan,
                "mtu": planned.mtu_of(network),
                "internal": network.internal,
                **({"prefix6": str(network.prefix6)} if network.prefix6 else {}),
                "hosts": [host.name for host, _ in planned.allocations(network.name)],
                "attach": network.attach and _attach_json(network.attach, network),
            }
            for network in planned.networks
        ],
        "docker_api": planned.docker_api and str(planned.docker_api),
        "hosts": [_host_json(host) for host in planned.hosts],
        "packages": [
            {"package": deb.package, "version": deb.version, "architecture": deb.architecture, "sha256": deb.sha256}
            for deb in planned.debs
        ],
        "links": [{"a": link.a, "b": link.b, "forwards": link in planned.carrying} for link in planned.links],
        "left_out": [{"a": link.a, "b": link.b} for link in planned.left_out],
        "resilience": resilience_json(found),
        "shape": resilience_json(found),  # its name until 0.1.0
        "remarks": list(remarks(planned.networks)),
    }


def _encryption_json(planned: Plan) -> dict[str, Any] | None:
    encryption = planned.fabric.encryption
    if encryption is None:
        return None
    return {"kind": str(encryption.kind), "prefix": str(encryption.prefix), "port": encryption.port}


def _attach_json(attach: Attachment, network: Network) -> dict[str, Any]:
    return {
        "host": attach.host,
        "interface": attach.interface,
        "vlan": attach.vlan,
        "addresses": str(attach.addresses or network.prefix),
    }


def _host_json(host: HostPlan) -> dict[str, Any]:
    return {
        "name": host.name,
        "underlay": str(host.underlay),
        **({"endpoint": str(host.endpoint)} if host.endpoint else {}),
        "underlay_mtu": host.underlay_mtu,
        "address": str(host.address.ip),
        "pool": str(host.pool),
        "containers": host.docker0.containers,
        "networks": [
            {
                "name": allocation.name,
                "address": str(allocation.address.ip),
                "pool": str(allocation.pool),
                **(
                    {"address6": str(allocation.address6.ip), "pool6": str(allocation.pool6)}
                    if allocation.address6
                    else {}
                ),
                "containers": allocation.containers,
            }
            for allocation in host.networks
        ],
        "tunnels": [
            {
                "port": tunnel.port,
                "peer": tunnel.peer,
                "remote": str(tunnel.remote),
                **({"underlay": str(tunnel.encrypted_to)} if tunnel.encrypted_to else {}),
                **({"vni": tunnel.device.vni} if tunnel.device else {}),
            }
            for tunnel in host.tunnels
        ],
    }


def resilience_json(found: Resilience) -> dict[str, Any]:
    """Under stable names; docs/reference/json.md describes them."""
    least, most = found.healing_ms
    return {
        "frames": _hops_json(found.frames),
        "links": _hops_json(found.links),
        "links_may_fail": found.links_may_fail,
        "hosts_may_fail": found.hosts_may_fail,
        "weak_links": [{"a": link.a, "b": link.b} for link in found.weak_links],
        "weak_hosts": list(found.weak_hosts),
        "tunnels": {"least": found.tunnels[0], "most": found.tunnels[1]},
        "healing": {
            "least_ms": least,
            "most_ms": most,
            "terms": [
                {"name": term.name, "least_ms": term.least, "most_ms": term.most, "source": term.source}
                for term in found.healing
            ],
        }
        if found.healing
        else None,
    }


def _hops_json(hops: Hops) -> dict[str, Any]:
    return {"mean": round(hops.mean, 2), "most": hops.most}
