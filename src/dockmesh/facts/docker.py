"""The Docker daemon, by its API: what it uses, not what its files say."""

import json
from collections.abc import Mapping
from ipaddress import IPv4Network
from operator import attrgetter
from typing import Any

from dockmesh.facts.types import Container, Docker

SOCKET = "/run/docker.sock"
INFO, NETWORK, CONTAINERS = "/info", "/networks/bridge", "/containers/json"


def read_docker(info: str, network: str, containers: str) -> Docker:
    """The three answers together; `network` is empty where the daemon runs without its default bridge."""
    about = json.loads(info)
    bridge: dict[str, Any] = json.loads(network or "{}")
    config = ((bridge.get("IPAM") or {}).get("Config") or [{}])[0]
    options: Mapping[str, str] = bridge.get("Options") or {}
    mtu = options.get("com.docker.network.driver.mtu")
    return Docker(
        version=about["ServerVersion"],
        live_restore=bool(about.get("LiveRestoreEnabled")),
        prefix=_network(config.get("Subnet")),
        gateway=config.get("Gateway"),
        pool=_network(config.get("IPRange")),
        mtu=int(mtu) if mtu else None,
        containers=tuple(sorted(map(_container, json.loads(containers)), key=attrgetter("name"))),
        default_bridge=options.get("com.docker.network.bridge.name"),
    )


def _network(text: str | None) -> IPv4Network | None:
    return IPv4Network(text) if text else None


def _container(row: Mapping[str, Any]) -> Container:
    networks = (row.get("NetworkSettings") or {}).get("Networks") or {}
    return Container(
        id=row["Id"],
        name=row["Names"][0].removeprefix("/"),
        address=networks.get("bridge", {}).get("IPAddress") or None,
    )
