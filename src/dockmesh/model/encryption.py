"""Encryption between hosts: a WireGuard device on each, with all tunnels inside it."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address

# RFC 2544's, for measurements between networks: routed nowhere, and no VPN's choice. RFC 6598's 100.64.0.0/10, which
# Tailscale uses, is refused.
DEFAULT_PREFIX = IPv4Network("198.18.0.0/16")
DEFAULT_PORT = 51820  # what WireGuard's own documentation uses
# A host's address there is its number in the mesh, which has up to 16 bits.
LONGEST_PREFIX = 16
# The protocol's (https://www.wireguard.com/protocol/): a data message has a header of 16 bytes and a tag of 16.
HEADER, TAG = 16, 16
OVERHEAD = 8 + HEADER + TAG  # with the header of UDP (RFC 768)
DYNAMIC = "dynamic"  # an endpoint that nobody knows beforehand


class EncryptionKind(StrEnum):
    WIREGUARD = "wireguard"


class EncryptionChoice(StrEnum):
    """What a person may ask for by a word."""

    WIREGUARD = "wireguard"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Encryption:
    """`prefix`: what tunnels end in, addresses that exist only inside the devices. `port`: the devices' own, of UDP."""

    kind: EncryptionKind = EncryptionKind.WIREGUARD
    prefix: IPv4Network = DEFAULT_PREFIX
    port: int = DEFAULT_PORT


@dataclass(frozen=True, slots=True)
class HostEndpoint:
    """Where the others find a host whose underlay address is of no use to them.

    `address`: what a NAT maps to it one to one, with the port if that is not the encryption's. None: it is learned from
    what the host sends, as it is behind another NAT, or its address changes.
    """

    address: IPv4Address | IPv6Address | None = None
    port: int | None = None

    @property
    def is_learned(self) -> bool:
        return self.address is None

    def __str__(self) -> str:
        if self.address is None:
            return DYNAMIC
        shown = f"[{self.address}]" if self.port and self.address.version == 6 else str(self.address)
        return f"{shown}:{self.port}" if self.port else shown
