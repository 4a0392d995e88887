"""What is allowed in a mesh file, and seldom meant."""

from collections.abc import Sequence
from ipaddress import IPv4Network

from dockmesh.model.network import Network

# RFC 6598: between a provider and its customers; Python counts it neither as private nor as public.
SHARED = IPv4Network("100.64.0.0/10")


def remarks(networks: Sequence[Network]) -> tuple[str, ...]:
    return tuple(
        f"{network.prefix} of {network.name} is a public range: unless it is yours, containers reach nobody who has "
        "these addresses in the Internet. Private are 10.0.0.0/8, 172.16.0.0/12 and 192.168.0.0/16 (RFC 1918)."
        for network in networks
        if not (network.prefix.is_private or network.prefix.subnet_of(SHARED))
    )
