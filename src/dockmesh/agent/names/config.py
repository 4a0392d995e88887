"""What a resolver is told: its host, the domain, and the networks with their hosts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any


@dataclass(frozen=True)
class Network:
    """One container network as this host has it."""

    name: str
    docker: str  # what Docker calls it
    address: str  # of this host's bridge: where the resolver listens
    prefix: IPv4Network
    peers: Mapping[str, str]  # the bridge addresses of the other hosts, by host
    pool: IPv4Network | None = None  # what this host gives to its own containers
    prefix6: IPv6Network | None = None  # without one, an IPv6 address of a container leads nowhere on other hosts
    address6: str | None = None  # of this host's bridge, where there is a prefix6
    peers6: Mapping[str, str] = field(default_factory=dict)  # of the other hosts', by host
    internal: bool = False  # nothing leaves it, no question either

    def addresses_of(self, host: str, own: str) -> tuple[str, ...]:
        """The bridge addresses that a host has in this network; `own` is the name of this host."""
        found = (self.address, self.address6) if host == own else (self.peers.get(host), self.peers6.get(host))
        return tuple(address for address in found if address)

    def host_at(self, address: str, own: str) -> str | None:
        """The host whose bridge has this address."""
        if address in (self.address, self.address6):
            return own
        peers = (*self.peers.items(), *self.peers6.items())
        return next((host for host, theirs in peers if theirs == address), None)

    def owns(self, address: str) -> bool:
        return self.pool is not None and IPv4Address(address) in self.pool

    def has(self, address: str) -> bool:
        if ":" in address:
            return self.prefix6 is not None and IPv6Address(address) in self.prefix6
        return IPv4Address(address) in self.prefix


@dataclass(frozen=True)
class Config:
    host: str
    domain: str
    networks: tuple[Network, ...]

    @property
    def addresses(self) -> frozenset[str]:
        """Of all resolvers of the mesh: none of them is an upstream."""
        own = (network.address for network in self.networks)
        return frozenset(own).union(*(network.peers.values() for network in self.networks))


def read(text: str) -> Config:
    """JSON, after lines that begin with a number sign. Raises ValueError and KeyError."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    content: dict[str, Any] = json.loads("\n".join(lines))
    return Config(
        host=content["host"].lower(),
        domain=content["domain"].lower(),
        networks=tuple(
            Network(
                name=each["name"],
                docker=each["docker"],
                address=each["address"],
                prefix=IPv4Network(each["prefix"]),
                peers={host.lower(): address for host, address in each["peers"].items()},
                pool=IPv4Network(each["pool"]) if each.get("pool") else None,
                prefix6=IPv6Network(each["prefix6"]) if each.get("prefix6") else None,
                address6=each.get("address6"),
                peers6={host.lower(): address for host, address in each.get("peers6", {}).items()},
                internal=each.get("internal", False),
            )
            for each in content["networks"]
        ),
    )
