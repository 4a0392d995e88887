"""What a preflight finds, and the facts that it is found in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from dockmesh.errors import DockmeshError, HostError
from dockmesh.facts.types import HostFacts
from dockmesh.model.mesh import UnderlayAddress
from dockmesh.render.types import HostConfig


class Level(StrEnum):
    """From the best to the worst."""

    FINE = "fine"
    WARNING = "warning"
    UNKNOWN = "unknown"
    BLOCKER = "blocker"


class Check(StrEnum):
    """In the order in which they are shown."""

    SSH = "ssh"
    PYTHON = "python"
    PACKAGES = "packages"
    DISK = "disk"
    CLOCK = "clock"
    REFUSED = "refused"  # what apply would refuse
    DATAPATH = "datapath"
    UNDERLAY = "underlay"
    TUNNEL = "tunnel"
    PATH_MTU = "path-mtu"
    ROUTES = "routes"
    ATTACHED = "attached"
    DOCKER = "docker"
    DOCKER_API = "docker-api"
    NAMES = "names"
    DOCKER_NETWORKS = "docker-networks"
    CONTAINERS = "containers"
    FORWARDING = "forwarding"
    FIREWALL = "firewall"
    NETWORK_MANAGERS = "network-managers"


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer. `what` and `do` are for people."""

    check: Check
    level: Level
    hosts: tuple[str, ...]
    what: str
    do: str | None = None
    pairs: tuple[tuple[str, str], ...] = ()  # from, to; of a check between hosts


@dataclass(frozen=True, slots=True)
class Route:
    network: IPv4Network
    device: str  # empty where the kernel drops what goes there


@dataclass(frozen=True, slots=True)
class Route6:
    network: IPv6Network
    device: str  # empty where the kernel drops what goes there
    by_router: bool  # it was advertised by one


@dataclass(frozen=True, slots=True)
class DockerNetwork:
    name: str
    prefixes: tuple[IPv4Network, ...]
    bridge: str  # its device, if it has one


@dataclass(frozen=True, slots=True)
class Listener:
    """An address and TCP port that somebody on the host listens on."""

    address: UnderlayAddress
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if self.address.version == 6 else f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Around:
    """What of a host matters to a mesh beside its own parts. None: the host did not say."""

    routes: tuple[Route, ...] = ()
    python: tuple[int, ...] = ()
    free: Mapping[str, int] = field(default_factory=dict)  # bytes by path
    networks: tuple[DockerNetwork, ...] = ()
    units: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    docker_options: str = ""  # /etc/default/docker
    ufw: bool = False
    network_files: tuple[tuple[str, str], ...] = ()  # systemd-networkd's: path and text, the first that matches wins
    managed: Mapping[str, str] = field(default_factory=dict)  # NetworkManager's devices with their state
    iptables: str | None = None  # iptables -S
    ip6tables: str | None = None
    iptables_kind: str = ""  # "nf_tables" or "legacy"
    legacy_tables: tuple[str, ...] = ()
    nftables: str | None = None  # JSON
    bridge_netfilter: bool = False
    ip_forward: bool = False
    tunnel_modules: frozenset[str] = frozenset()  # which of the kernel's own tunnels it has, by the names of modules
    makes_vxlan: bool = False  # whether the kernel makes VXLAN devices
    udp_ports: frozenset[int] = frozenset()  # of the host, that somebody listens on
    tcp_listeners: frozenset[Listener] = frozenset()
    routes6: tuple[Route6, ...] = ()
    ipv6_off: bool = False
    ipv6_forward: bool = False
    accept_ra: Mapping[str, int] = field(default_factory=dict)  # by device what it takes of routers
    seconds: float | None = None  # its clock, since 1970


@dataclass(frozen=True, slots=True)
class PeerReach:
    """What a host heard of one peer, and what became of what it sent there."""

    raw: frozenset[str] = frozenset()  # kinds of packets that passed its own firewall
    wire: frozenset[str] = frozenset()  # that came in at all
    errors: Mapping[str, str] = field(default_factory=dict)  # kind → errno's name, of what it could not send
    ping_ms: float | None = None
    largest: int | None = None  # bytes of the largest packet that was answered, with DF


@dataclass(frozen=True, slots=True)
class Reach:
    peers: Mapping[str, PeerReach] = field(default_factory=dict)
    error: str | None = None  # why the host could not take part


@dataclass(frozen=True, slots=True)
class HostEvidence:
    facts: HostFacts
    around: Around
    config: HostConfig
    refusal: HostError | None = None  # what apply would refuse
    asked: tuple[float, float] | None = None  # our clock before the question and after the answer


@dataclass(frozen=True, slots=True)
class Evidence:
    hosts: Mapping[str, HostEvidence]
    unreachable: Mapping[str, DockmeshError]
    reach: Mapping[str, Reach] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    hosts: tuple[str, ...]
    findings: tuple[Finding, ...]
    seconds: float = 0.0

    @property
    def level(self) -> Level:
        return worst(tuple(finding.level for finding in self.findings))

    def of(self, host: str) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if host in finding.hosts)


def worst(levels: tuple[Level, ...]) -> Level:
    order = list(Level)
    return max(levels, key=order.index, default=Level.FINE)
