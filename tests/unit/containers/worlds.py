"""Containers as Docker lists them."""

from typing import Any

from dockmesh.containers.types import Container


def row(name: str = "web", letter: str = "a", **more: Any) -> dict[str, Any]:
    """As Engine API 1.45 (Docker 26.1.5) says it."""
    return {
        "Id": letter * 64,
        "Names": [f"/{name}"],
        "Image": "busybox",
        "State": "running",
        "Status": "Up 5 minutes",
        "Created": 1795680000,
        "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.64.0"}}},
        "Ports": [],
        **more,
    }


PUBLISHED = row(Ports=[{"IP": "127.0.0.1", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}])


def container(name: str = "web", host: str = "host1", id_: str = "a" * 64, state: str = "running") -> Container:
    return Container(host, id_, name, "busybox", state, "Up 5 minutes", 0, (), (), ())
