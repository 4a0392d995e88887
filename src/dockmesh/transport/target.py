"""Whom SSH is to reach."""

from typing import Protocol

from dockmesh.model.encryption import HostEndpoint
from dockmesh.model.mesh import Ssh, UnderlayAddress


class SshTarget(Protocol):
    """What it takes to find a host."""

    @property
    def name(self) -> str: ...

    @property
    def ssh(self) -> Ssh: ...

    @property
    def underlay(self) -> UnderlayAddress | None: ...


def found_at(host: SshTarget) -> UnderlayAddress | None:
    """Where SSH goes if nobody else says it: to the underlay address, or to what a NAT maps to it one to one."""
    endpoint = getattr(host, "endpoint", None)
    return endpoint.address if isinstance(endpoint, HostEndpoint) else host.underlay
