"""The settings of a host's WireGuard device, and what wg and nft are told by them.

Python's standard library only, Python 3.7 or later.
"""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING

MARK = "#"
KEY_BYTES = 32
TABLE = "inet dockmesh_encryption"

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from dockmesh.agent.preshared import Preshared


def read_settings(lines: Iterable[str]) -> dict[str, Any]:
    """Raises ValueError and TypeError."""
    settings = json.loads("".join(line for line in lines if not line.startswith(MARK)))
    if not isinstance(settings, dict):
        raise TypeError("it is no map")
    missing = [name for name in ("device", "prefix", "address", "peers") if name not in settings]
    if missing:
        raise ValueError(f"it has no {missing[0]}")
    return settings


def key_of(name: str, keys: str) -> str | None:
    """A key in the form that wg(8) reads; None where there is none, or what is there is none: wg(8) would print it."""
    try:
        with open(os.path.join(keys, name), encoding="ascii") as file:
            key = file.read(100).strip()
            return key if len(base64.b64decode(key, validate=True)) == KEY_BYTES else None
    except (OSError, ValueError):
        return None


def without_key(settings: dict[str, Any], preshared: Preshared) -> list[str]:
    """The peers that this host shares no key with: they stay out until an apply has reached both."""
    names = [str(peer["name"]) for peer in settings["peers"]]
    return [name for name in names if key_of(preshared.name(name), preshared.folder) is None]


def configuration(settings: dict[str, Any], preshared: Preshared) -> str | None:
    """For `wg syncconf`, which keeps the sessions of peers that stay. None without a private key. It is secret."""
    keys = preshared.folder
    private = key_of("private", keys)
    if private is None:
        return None
    lines = ["[Interface]", f"ListenPort = {settings['port']}", f"PrivateKey = {private}"]
    for peer in settings["peers"]:
        shared = key_of(preshared.name(peer["name"]), keys)
        if shared is None:
            continue
        lines += ["", "[Peer]", f"PublicKey = {peer['public']}", f"AllowedIPs = {peer['address']}/32"]
        lines.append(f"PresharedKey = {shared}")
        # Of a peer without one the device has learned where it is, and `syncconf` leaves that as it is.
        lines += [f"Endpoint = {peer['endpoint']}"] if "endpoint" in peer else []
        lines.append("PersistentKeepalive = 25")
    return "\n".join(lines) + "\n"


def rules(settings: dict[str, Any]) -> str:
    """For nft: whatever of a tunnel comes or goes by another way than the device is dropped, and nothing of others.

    The kernel looks at the VNI of a VXLAN packet only, not at who it is from or for: hence the second rule.
    """
    device, prefix, tunnels = settings["device"], settings["prefix"], settings.get("vxlan")
    other = f'!= {{ "{device}", "lo" }}'
    lines = [
        f"add table {TABLE}",
        f"flush table {TABLE}",
        f"add chain {TABLE} in {{ type filter hook prerouting priority -350; policy accept; }}",
        f"add chain {TABLE} out {{ type filter hook output priority -350; policy accept; }}",
        f"add rule {TABLE} in iifname {other} ip saddr {prefix} counter drop",
        f"add rule {TABLE} in iifname {other} ip daddr {prefix} counter drop",
        f"add rule {TABLE} out oifname {other} ip daddr {prefix} counter drop",
    ]
    if tunnels:
        # Where the host itself takes packets, and only there, the kernel has put fragments together in any case. In the
        # payload of UDP a VXLAN header's second word, of which 24 bits are the VNI (RFC 7348).
        numbers = ", ".join(str(vni) for vni in sorted(tunnels["vnis"]))
        match = f"udp dport {tunnels['port']} @th,96,24 {{ {numbers} }}"
        lines.append(f"add chain {TABLE} local {{ type filter hook input priority -350; policy accept; }}")
        # Nor what a user of this host sends to itself.
        lines.append(f'add rule {TABLE} local iifname != "{device}" {match} counter drop')
    return "\n".join(lines) + "\n"
