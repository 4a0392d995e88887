"""Rules about hosts that others find elsewhere than at their underlay address."""

from collections.abc import Iterator

from dockmesh.meshfile.blocks import reserved_use
from dockmesh.meshfile.keys.host import HostSection
from dockmesh.meshfile.keys.mesh import MeshSection
from dockmesh.meshfile.problems import Problem
from dockmesh.meshfile.rules.encryption import port_of
from dockmesh.meshfile.rules.repeated import repeated
from dockmesh.meshfile.types import Located
from dockmesh.model.mesh import UnderlayAddress


def check_encrypted(mesh: MeshSection) -> Iterator[Problem]:
    """Without WireGuard nobody learns where a packet came from, and nobody can tell who sent it."""
    fabric, encryption = mesh.fabric, mesh.fabric.encryption
    if encryption.value is None if encryption else fabric.whole or not fabric.given:
        for endpoint in (host.endpoint for host in mesh.every_host if host.endpoint):
            hint = "Tunnels in clear go to underlay addresses. Expected `encryption: wireguard` under `fabric`."
            yield Problem(f"{endpoint.subject} is {endpoint.value}, and encryption is off", hint, endpoint.span)


def check_address(mesh: MeshSection) -> Iterator[Problem]:
    for host in mesh.every_host:
        address = host.endpoint.value.address if host.endpoint else None
        if not host.endpoint or address is None:
            continue
        if use := reserved_use(address):
            hint = f"{use.shown} is {use.why}. Expected the address at which the other hosts reach {host.shown}."
            yield Problem(f"{host.endpoint.subject} is {use.article_name}", hint, host.endpoint.span)
        elif host.underlay and host.underlay.value.version != address.version:
            hint = f"A NAT maps IPv4 to IPv4: its underlay is {host.underlay.value} (line {host.underlay.line})."
            yield Problem(f"{host.endpoint.subject} is IPv{address.version}", hint, host.endpoint.span)


def check_apart(mesh: MeshSection) -> Iterator[Problem]:
    """Each host is found at a place of its own; several behind one address of a NAT, at ports of their own."""
    for host, first in repeated(mesh.every_host, lambda host: _place(mesh, host)):
        if host.endpoint or first.endpoint:
            place = host.endpoint or host.underlay
            hint = f"{first.shown} (line {first.label.line}) is found there. Behind one address each has its own port."
            if place:
                yield Problem(f"{place.subject} leads to {first.shown} too", hint, place.span)


def _place(mesh: MeshSection, host: HostSection) -> Located[tuple[UnderlayAddress, int]] | None:
    """Where the others find it; None where nobody knows that beforehand."""
    port = port_of(mesh)
    if host.endpoint is None:
        return Located((host.underlay.value, port), host.underlay.span) if host.underlay else None
    found = host.endpoint.value
    return None if found.address is None else Located((found.address, found.port or port), host.endpoint.span)


RULES = (check_encrypted, check_address, check_apart)
