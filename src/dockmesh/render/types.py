"""What stands on a host, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from dockmesh.debian.deb import Deb
from dockmesh.model.mesh import Datapath, Forwarding, Listen, Renderer, UnderlayAddress
from dockmesh.plan.types import HostAttachment, HostNetwork, TunnelEnd


@dataclass(frozen=True, slots=True)
class File:
    path: str
    text: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True)
class Setting:
    """One column of Open vSwitch's database, or one key of a column that is a map."""

    table: str
    record: str
    column: str
    key: str | None
    value: str


@dataclass(frozen=True, slots=True)
class DaemonSettings:
    """Our keys of Docker's daemon.json. `label` marks them as ours."""

    label: str
    bip: str
    pool: IPv4Network
    mtu: int
    dns: tuple[str, ...] = ()  # the resolver's addresses, if the mesh has names
    search: str | None = None  # its domain
    ip6tables: bool = False  # Docker's rules for IPv6, which 26 makes as an experiment only
    more: Mapping[str, Any] = field(default_factory=dict, hash=False)  # what the mesh file says of this host

    def keys(self) -> dict[str, Any]:
        """By Docker's names, without the mark and what names need."""
        ipv6 = {"ip6tables": True, "experimental": True} if self.ip6tables else {}
        return {"bip": self.bip, "fixed-cidr": str(self.pool), "mtu": self.mtu, **ipv6, **self.more}


@dataclass(frozen=True, slots=True)
class HostConfig:
    """Everything that dockmesh makes on one host. `files` has no daemon.json: that one is shared with the user."""

    host: str
    mesh: str
    underlay: UnderlayAddress
    renderer: Renderer
    datapath: Datapath
    forwarding: Forwarding
    tunnels: tuple[TunnelEnd, ...]
    settings: tuple[Setting, ...]
    networks: tuple[HostNetwork, ...]  # docker0 first
    daemon: DaemonSettings
    files: tuple[File, ...]
    units: tuple[str, ...]  # to be enabled
    flows: str = ""  # what `render/flows.py` promises
    docker_api: Listen | None = None
    unknown: tuple[str, ...] = ()  # files that it has and whose text this machine does not know
    debs: tuple[Deb, ...] = ()  # what may be installed of, before the sources of the host
    domain: str | None = None  # None: no names, and no resolver
    encrypted: bool = False
    preshared: Mapping[str, str] = field(default_factory=dict, repr=False)  # by peer the keys that it gets now
    given: tuple[IPv4Network | IPv6Network, ...] = ()  # all addresses that the plan gives to somebody, on whatever host

    @property
    def kernel_devices(self) -> bool:
        """Whether its tunnels are devices of the kernel's."""
        return any(end.device for end in self.tunnels)

    @property
    def docker0(self) -> HostNetwork:
        return self.networks[0]

    @property
    def further(self) -> tuple[HostNetwork, ...]:
        return self.networks[1:]

    @property
    def attachments(self) -> tuple[HostAttachment, ...]:
        return tuple(each for network in self.networks if (each := network.attach))
