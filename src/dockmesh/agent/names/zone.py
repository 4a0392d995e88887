"""The names of this host's containers, network by network, out of what Docker says of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .fields import as_address, as_list, as_map, as_number, as_text

DEFAULT_BRIDGE = "bridge"
ID, SHORT_ID = 64, 12
DIGITS = frozenset("0123456789abcdef")
MOST_NAMES = 256  # of one container in one network
DOCKERS_RESOLVER = "127.0.0.11"


@dataclass(frozen=True)
class Endpoint:
    """A container in one network."""

    network: str  # as Docker calls it
    address: str
    address6: str
    names: frozenset[str]


@dataclass(frozen=True)
class Container:
    id: str
    name: str
    pid: int  # 0: not known
    endpoints: tuple[Endpoint, ...]
    elsewhere: bool = False  # it asks other servers than this host's resolver, as those that are older than it


def is_id(identifier: str) -> bool:
    """As Docker makes them."""
    return len(identifier) == ID and DIGITS.issuperset(identifier)


def read_inspected(content: Any) -> Container | None:
    """What `GET /containers/ID/json` says; None if the container does not run."""
    content = as_map(content)
    state = as_map(content.get("State"))
    if not state.get("Running"):
        return None
    return _container(content, as_text(content.get("Name")), as_number(state.get("Pid")))


def read_listed(content: Any) -> Container | None:
    """One row of `GET /containers/json`: addresses and the name, but no aliases yet."""
    content = as_map(content)
    names = sorted(map(as_text, as_list(content.get("Names"))), key=lambda each: each.count("/"))
    return _container(content, names[0] if names else "", 0)


def as_listed(container: Container) -> Container:
    """What a row of the list says of it, out of what is known."""
    own = frozenset((container.name.lower(), container.id[:SHORT_ID]))
    endpoints = tuple(replace(each, names=own) for each in container.endpoints)
    return replace(container, pid=0, elsewhere=False, endpoints=endpoints)


def _container(content: Mapping[str, Any], name: str, pid: int) -> Container | None:
    identifier = as_text(content.get("Id"))
    if not is_id(identifier):
        return None
    name = name.lstrip("/") or identifier[:SHORT_ID]
    networks = as_map(as_map(content.get("NetworkSettings")).get("Networks"))
    endpoints = (
        Endpoint(
            network,
            as_address(found.get("IPAddress"), 4),
            as_address(found.get("GlobalIPv6Address"), 6),
            _names(network, identifier, name, found),
        )
        for network, found in sorted((network, as_map(found)) for network, found in networks.items())
    )
    return Container(identifier, name, pid, tuple(each for each in endpoints if each.address or each.address6))


def _names(network: str, identifier: str, name: str, found: Mapping[str, Any]) -> frozenset[str]:
    """Docker before 25 has no DNSNames; on the default bridge it has neither these nor aliases."""
    more: list[Any] = []
    if network != DEFAULT_BRIDGE:
        more = [*as_list(found.get("DNSNames")), *as_list(found.get("Aliases"))][:MOST_NAMES]
    return frozenset(each.lower() for each in (name, identifier[:SHORT_ID], *map(as_text, more)) if each)


def asks_elsewhere(resolv_conf: str, addresses: Iterable[str]) -> bool:
    """By the resolv.conf that Docker made for a container.

    On user-defined networks it names Docker's own resolver, and in a comment whom that asks, unless it is an old one.
    """
    words = [line.split() for line in resolv_conf.splitlines()]
    servers = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
    if DOCKERS_RESOLVER in servers:
        return "ExtServers" in resolv_conf and not any(address in resolv_conf for address in addresses)
    return bool(servers) and not any(address in servers for address in addresses)


def fits(name: str) -> bool:
    """RFC 1035: labels of 63 characters. The whole has room for a host and a domain behind it."""
    return len(name) <= 120 and all(0 < len(label) < 64 for label in name.split(".")) and name.isascii()


class Zone:
    """The containers that run, found by name, by address and as those who ask."""

    def __init__(self, networks: Iterable[str]) -> None:
        self.networks = tuple(networks)  # of the mesh, as Docker calls them
        self.containers: dict[str, Container] = {}
        self._named: dict[tuple[str, str], dict[str, Endpoint]] = {}  # by network and name, then by container
        self._owner: dict[str, str] = {}  # address to container

    def put(self, container: Container) -> None:
        """In the place of what was known of it."""
        self.drop(container.id)
        self.containers[container.id] = container
        for endpoint in container.endpoints:
            for address in (endpoint.address, endpoint.address6):
                if address:
                    self._owner[address] = container.id
            if endpoint.network in self.networks:
                for name in endpoint.names:
                    self._named.setdefault((endpoint.network, name), {})[container.id] = endpoint

    def drop(self, identifier: str) -> None:
        container = self.containers.pop(identifier, None)
        for endpoint in container.endpoints if container else ():
            for address in (endpoint.address, endpoint.address6):
                if self._owner.get(address) == identifier:
                    del self._owner[address]
            for name in endpoint.names:
                found = self._named.get((endpoint.network, name))
                if found and found.pop(identifier, None) and not found:
                    del self._named[endpoint.network, name]

    def leave(self, identifier: str, network: str) -> None:
        """It is no longer on this network."""
        container = self.containers.get(identifier)
        if container:
            rest = tuple(endpoint for endpoint in container.endpoints if endpoint.network != network)
            self.put(replace(container, endpoints=rest))

    def find(self, network: str, name: str) -> list[Endpoint]:
        return list(self._named.get((network, name), {}).values())

    def owner(self, address: str) -> Container | None:
        """Whose address it is, in whatever network."""
        identifier = self._owner.get(address)
        return self.containers.get(identifier) if identifier else None

    def name_of(self, network: str, address: str) -> str | None:
        """The container's own name, or its short identifier where DNS has no room for that."""
        container = self.owner(address)
        for endpoint in container.endpoints if container else ():
            if container and endpoint.network == network and address in (endpoint.address, endpoint.address6):
                return container.name if fits(container.name) else container.id[:SHORT_ID]
        return None

    def networks_of(self, address: str) -> tuple[str, ...] | None:
        """The mesh's networks that the container with this address is on; None: no container of this host has it."""
        container = self.owner(address)
        if container is None:
            return None
        return tuple(endpoint.network for endpoint in container.endpoints if endpoint.network in self.networks)

    @property
    def elsewhere(self) -> list[str]:
        """The containers on the mesh's networks that do not ask here, by name."""
        on_mesh = (
            each for each in self.containers.values() if any(at.network in self.networks for at in each.endpoints)
        )
        return sorted(each.name for each in on_mesh if each.elsewhere)

    @property
    def size(self) -> int:
        """How many names there are, each once a network, without those that are identifiers."""
        return sum(
            any(name != identifier[:SHORT_ID] for identifier in found) for (_, name), found in self._named.items()
        )
