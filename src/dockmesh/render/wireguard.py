"""Encryption at a host: the settings of its WireGuard device, and what keeps that."""

import json
from ipaddress import IPv6Address

from dockmesh.facts.underlay import LOCK_PROTOCOL
from dockmesh.model.encryption import OVERHEAD
from dockmesh.model.mesh import UnderlayAddress
from dockmesh.model.network import ENCRYPTING_DEVICE
from dockmesh.model.tunnel import OUTER_IP
from dockmesh.plan.types import HostPlan, Plan, TunnelEnd
from dockmesh.render.bridge import make_gone
from dockmesh.render.tunnel_device import alias

SETTINGS = "/etc/dockmesh/wireguard.json"
PROGRAM = "/etc/dockmesh/wireguard.py"
UNIT = "dockmesh-wireguard.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
# The unit first, so that whoever removes them stops what would make the device again.
FILES = (UNIT_FILE, PROGRAM, SETTINGS)
ABOUT = "What keeps the encryption between hosts."
# Takes away the device, the rules, the route that makes the addresses inside unreachable and the policy that puts it
# first; no error where they are gone. Route and policy are known by the protocol that agent/wireguard_locks.py gives.
FORGET = (
    make_gone(ENCRYPTING_DEVICE),
    ("ip", "-4", "route", "flush", "type", "unreachable", "proto", LOCK_PROTOCOL),
    ("ip", "-4", "rule", "flush", "protocol", LOCK_PROTOCOL),
    ("nft", "add", "table", "inet", "dockmesh_encryption;", "delete", "table", "inet", "dockmesh_encryption"),
)


def settings(plan: Plan, host: HostPlan) -> str | None:
    """As agent/wireguard.py reads them; None without encryption.

    A peer whose key is not known is left out: it comes with the apply that reaches it. A host that knows none is locked
    all the same.
    """
    encryption = plan.fabric.encryption
    if encryption is None:
        return None
    peers = [
        {
            "name": end.peer,
            "public": plan.keys.public[end.peer],
            **_endpoint(end, encryption.port),
            "address": str(end.remote),
        }
        for end in host.tunnels
        if end.peer in plan.keys.public
    ]
    content = {
        "device": ENCRYPTING_DEVICE,
        "alias": alias(plan.name),
        "port": encryption.port,
        "mtu": plan.mtu_sum.underlay - OUTER_IP[plan.ip_version] - OVERHEAD,
        "address": str(host.inside),
        "prefix": str(encryption.prefix),
        **_vxlan(host),
        "peers": peers,
    }
    return json.dumps(content, indent=1)


def _vxlan(host: HostPlan) -> dict[str, object]:
    """By which the packets of the kernel's own tunnels are known; Open vSwitch looks at addresses itself."""
    devices = [end.device for end in host.tunnels if end.device]
    return {"vxlan": {"port": devices[0].port, "vnis": [each.vni for each in devices]}} if devices else {}


def unknown(plan: Plan, host: HostPlan) -> tuple[str, ...]:
    """The settings, where this machine knows nobody's key: then those that stand on the host are better."""
    if plan.fabric.encryption is None or any(end.peer in plan.keys.public for end in host.tunnels):
        return ()
    return (SETTINGS,)


def preshared(plan: Plan, host: HostPlan) -> dict[str, str]:
    """By peer the keys that a host gets now."""
    pairs = ((end.peer, plan.keys.preshared.get(frozenset((host.name, end.peer)))) for end in host.tunnels)
    return {peer: key for peer, key in pairs if key is not None}


def _endpoint(end: TunnelEnd, port: int) -> dict[str, str]:
    """None of a peer whose place is learned: what is told in its stead would take that away again."""
    found = end.encrypted_to
    if found is None or found.address is None:
        return {}
    return {"endpoint": f"{_bracketed(found.address)}:{found.port or port}"}


def _bracketed(address: UnderlayAddress) -> str:
    return f"[{address}]" if isinstance(address, IPv6Address) else str(address)
