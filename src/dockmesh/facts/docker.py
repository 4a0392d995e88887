"""The Docker daemon, by its API: what it uses, not what its files say."""

import json
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network
from operator import attrgetter
from typing import Any

from dockmesh.facts.fact import Fact
from dockmesh.facts.types import Container, Docker, DockerNetwork, Place
from dockmesh.transport.requests import Answer, Ask

SOCKET = "/run/docker.sock"
UNIT = "docker.service"
INFO, NETWORK, CONTAINERS = "/info", "/networks/bridge", "/containers/json"
NETWORKS = "/networks"
DEFAULT_NETWORK = "bridge"  # Docker's name for that of docker0
EVERY_CONTAINER = f"{CONTAINERS}?all=1"


MADE_BY_ITSELF = ("bridge", "host", "none")
LONGEST_VERSION = 100  # characters; others take numbers out of it
MTU, BRIDGE_NAME = "com.docker.network.driver.mtu", "com.docker.network.bridge.name"


def read_docker(info: str, network: str, containers: str, networks: str = "[]") -> Docker:
    """The answers together; `network` is empty where the daemon runs without its default bridge."""
    about = json.loads(info)
    bridge: dict[str, Any] = json.loads(network or "{}")
    config = _ipv4((bridge.get("IPAM") or {}).get("Config") or [])
    options: Mapping[str, str] = bridge.get("Options") or {}
    mtu = options.get(MTU)
    return Docker(
        version=_version(about["ServerVersion"]),
        live_restore=bool(about.get("LiveRestoreEnabled")),
        prefix=_network(config.get("Subnet")),
        gateway=config.get("Gateway"),
        pool=_network(config.get("IPRange")),
        mtu=int(mtu) if mtu else None,
        containers=tuple(sorted(map(_container, json.loads(containers)), key=attrgetter("name"))),
        default_bridge=options.get(BRIDGE_NAME),
        networks=read_networks(networks),
        experimental=bool(about.get("ExperimentalBuild")),
    )


def _version(said: str) -> str:
    if len(said) > LONGEST_VERSION:
        raise ValueError(f"a version of {len(said)} characters")
    return said


def read_networks(answer: str) -> tuple[DockerNetwork, ...]:
    """All but those that are always there, sorted by name."""
    rows = [row for row in json.loads(answer or "[]") if row["Name"] not in MADE_BY_ITSELF]
    return tuple(sorted(map(_docker_network, rows), key=attrgetter("name")))


def _docker_network(row: Mapping[str, Any]) -> DockerNetwork:
    configs = (row.get("IPAM") or {}).get("Config") or []
    config, config6 = _ipv4(configs), _ipv6(configs)
    options: Mapping[str, str] = row.get("Options") or {}
    mtu = options.get(MTU, "")
    return DockerNetwork(
        name=row["Name"],
        driver=row["Driver"],
        internal=bool(row.get("Internal")),
        prefixes=tuple(IPv4Network(each["Subnet"]) for each in configs if "." in each.get("Subnet", "")),
        gateway=config.get("Gateway"),
        pool=_network(config.get("IPRange")),
        mtu=int(mtu) if mtu.isdecimal() else None,
        bridge=options.get(BRIDGE_NAME),
        labels=row.get("Labels") or {},
        ipv6=bool(row.get("EnableIPv6")),
        prefixes6=tuple(IPv6Network(each["Subnet"]) for each in configs if ":" in each.get("Subnet", "")),
        gateway6=config6.get("Gateway"),
        pool6=IPv6Network(config6["IPRange"]) if config6.get("IPRange") else None,
    )


def read_stopped(answer: str) -> frozenset[str]:
    """The identifiers of those that came to an end and are still there."""
    return frozenset(row["Id"] for row in json.loads(answer) if row["State"] == "exited")


def _ipv4(configs: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    """The default bridge may have an IPv6 prefix beside the one that the mesh is about."""
    return next((config for config in configs if ":" not in config.get("Subnet", "")), {})


def _ipv6(configs: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    return next((config for config in configs if ":" in config.get("Subnet", "")), {})


def _network(text: str | None) -> IPv4Network | None:
    return IPv4Network(text) if text else None


def _container(row: Mapping[str, Any]) -> Container:
    networks = (row.get("NetworkSettings") or {}).get("Networks") or {}
    return Container(
        id=row["Id"],
        name=name_of(row),
        address=networks.get(DEFAULT_NETWORK, {}).get("IPAddress") or None,
        places=tuple(
            Place(name, own["IPAddress"], own.get("MacAddress") or None, own.get("GlobalIPv6Address") or None)
            for name, own in sorted(networks.items())
            if own.get("IPAddress")
        ),
        networks=tuple(sorted(networks)),
    )


def name_of(row: Mapping[str, Any]) -> str:
    """Its own name among those that legacy links gave it (`/other/alias`); one that is about to go has none."""
    names = sorted(row.get("Names") or [row["Id"][:12]], key=lambda name: name.count("/"))
    return str(names[0]).removeprefix("/")


def read_daemon(info: Answer, network: Answer, containers: Answer, networks: Answer) -> Docker | None:
    """From the answers to the requests of FACT; None if it does not answer."""
    if not (info.ok and containers.ok and networks.ok):
        return None
    return read_docker(info.out, network.out, containers.out, networks.out)


FACT = Fact(
    tuple(Ask(SOCKET, url, UNIT) for url in (INFO, NETWORK, CONTAINERS, NETWORKS)),
    lambda *answers: {"docker": read_daemon(*answers)},
)
