"""Whether a host is behind a NAT, by what SSH sees of it here and there."""

from collections.abc import Collection
from ipaddress import ip_address
from pathlib import Path

from dockmesh.errors import ConnectError
from dockmesh.model.encryption import HostEndpoint
from dockmesh.model.mesh import UnderlayAddress
from dockmesh.transport.resolve import addresses_of
from dockmesh.transport.settings import ssh_settings
from dockmesh.transport.ssh import SshHost
from dockmesh.transport.target import SshTarget


async def endpoint_of(
    target: SshTarget, host: SshHost, config: Path, own: Collection[UnderlayAddress]
) -> HostEndpoint | None:
    """Where others find a host that is behind a NAT; None where it has the address that it is reached at.

    `own`: the addresses of its devices. SSH has gone to an address here, and arrived at another one there.
    """
    if host.reached_at is None:
        return None
    try:
        said = await ssh_settings(target.ssh.host or target.name, target.ssh.user, target.ssh.port, config)
    except ConnectError:
        return None
    words = dict(line.split(" ", 1) for line in said.splitlines() if " " in line)
    dialled = [ip_address(text.partition("%")[0]) for text in await addresses_of(words.get("hostname", ""))]
    return read_endpoint(dialled, int(words.get("port", "22")), host.reached_at, host.reached_port, own)


def read_endpoint(
    dialled: Collection[UnderlayAddress],
    port: int,
    reached_at: str,
    reached_port: int | None,
    own: Collection[UnderlayAddress],
) -> HostEndpoint | None:
    """A NAT that maps one to one leaves the port as it is; a router with a port for each host does not.

    Whether it maps other ports too is for preflight to try.
    """
    arrived = ip_address(reached_at)
    usable = [
        each
        for each in dialled
        if each.version == arrived.version and not (each.is_loopback or each.is_link_local or each.is_unspecified)
    ]
    if arrived not in own or not usable or any(each in own for each in dialled):
        return None
    return HostEndpoint(usable[0]) if port == reached_port else HostEndpoint()
