"""Docker's list of containers, read."""

import json
import re
from collections.abc import Collection, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from dockmesh.containers.types import Container, Published
from dockmesh.facts.docker import name_of
from dockmesh.typed import of_its_type

EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 — what Docker says, not where we listen
NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
DIGEST, DIGEST_LETTERS = "sha256:", 12


def read(host: str, answer: str, prefixes: Collection[IPv4Network]) -> tuple[Container, ...]:
    """The containers of a host by name, from the answer to /containers/json (Engine API 1.24 and later)."""
    found = [_container(host, row, prefixes) for row in json.loads(answer)]
    return tuple(sorted(found, key=lambda each: (each.name, each.id)))


def _container(host: str, row: Mapping[str, Any], prefixes: Collection[IPv4Network]) -> Container:
    networks = (row.get("NetworkSettings") or {}).get("Networks") or {}
    addresses = {name: (each or {}).get("IPAddress") or None for name, each in networks.items()}
    known = (IPv4Address(address) for address in addresses.values() if address)
    made = Container(
        host=host,
        id=row["Id"],
        name=name_of(row),
        image=_image(row["Image"]),
        state=row["State"],
        status=row["Status"],
        created=row["Created"],
        networks=tuple(sorted(addresses.items())),
        addresses=tuple(sorted(address for address in known if any(address in prefix for prefix in prefixes))),
        ports=_ports(row.get("Ports") or ()),
    )
    if not NAMED.fullmatch(made.id):  # it becomes a word of a command
        raise ValueError(f"{made.id!r} is not the identifier of a container")
    return of_its_type(made)


def _image(name: str) -> str:
    """An image whose name went to a newer one has its digest only."""
    return name[: len(DIGEST) + DIGEST_LETTERS] if name.startswith(DIGEST) else name


def _ports(rows: Any) -> tuple[Published, ...]:
    """Docker has a row for IPv4 and one for IPv6 of the same port, and some for ports that are not published."""
    found = {
        Published(
            None if row.get("IP", "") in EVERYWHERE else row["IP"], row["PublicPort"], row["PrivatePort"], row["Type"]
        )
        for row in rows
        if row.get("PublicPort")
    }
    return tuple(sorted(found, key=lambda each: (each.port, each.protocol, each.host_port, each.address or "")))
