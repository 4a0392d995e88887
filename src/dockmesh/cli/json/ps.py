"""The containers of a mesh in JSON; docs/reference/json.md describes it."""

from collections.abc import Mapping, Sequence
from typing import Any

from dockmesh.cli.json.errors import error_json
from dockmesh.containers.types import Container
from dockmesh.errors import DockmeshError


def ps_json(
    mesh: str,
    names: Sequence[str],
    found: Mapping[str, tuple[Container, ...]],
    gone: Mapping[str, DockmeshError],
) -> dict[str, Any]:
    """The containers under stable names; docs/reference/json.md describes them."""
    return {
        "name": mesh,
        "hosts": [
            {
                "name": name,
                "error": error_json(gone[name]) if name in gone else None,
                "containers": [_container_json(each) for each in found.get(name, ())],
            }
            for name in names
        ],
    }


def _container_json(each: Container) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.name,
        "image": each.image,
        "state": each.state,
        "status": each.status,
        "created": each.created,
        "addresses": list(map(str, each.addresses)),
        "networks": dict(each.networks),
        "ports": [
            {"address": port.address, "host_port": port.host_port, "port": port.port, "protocol": port.protocol}
            for port in each.ports
        ],
    }
