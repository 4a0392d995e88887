"""What was heard from the hosts, before anybody judges it; and the reading of what `agent.probe` says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dockmesh.errors import DockmeshError
from dockmesh.facts.iptables import Seen
from dockmesh.facts.types import HostFacts


@dataclass(frozen=True, slots=True)
class Echo:
    """Pings of one size until an answer. `ms` None: there was none; `error`: why the last one did not even leave."""

    ms: float | None
    sent: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Transfer:
    mbit: float | None
    error: str | None


@dataclass(frozen=True, slots=True)
class TargetEvidence:
    """What was measured towards one target; None where an earlier failure left nothing to measure."""

    ping: Echo
    full: Echo | None = None
    refused: bool | None = None
    transfer: Transfer | None = None


@dataclass(frozen=True, slots=True)
class Owners:
    """Who answered for an address, one MAC for each answer."""

    asked: int
    macs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """What the resolver said of one name."""

    addresses: tuple[str, ...] = ()
    error: str | None = None  # it did not say any, and why


@dataclass(frozen=True, slots=True)
class Measured:
    """What one end measured: a host, or its probe container."""

    targets: Mapping[str, TargetEvidence] = field(default_factory=dict)  # by host
    underlay: Mapping[str, TargetEvidence] = field(default_factory=dict)  # by host
    networks: Mapping[tuple[str, str], TargetEvidence] = field(default_factory=dict)  # by further network and host
    networks6: Mapping[tuple[str, str], TargetEvidence] = field(default_factory=dict)  # the same by IPv6
    owners: Mapping[str, Owners] = field(default_factory=dict)  # by address
    mtus: Mapping[str, int] = field(default_factory=dict)  # by device
    names: Mapping[str, Named] = field(default_factory=dict)  # by host, of its container
    error: str | None = None  # nothing was measured, and why
    arp_error: str | None = None
    broadcast_error: str | None = None


@dataclass(frozen=True, slots=True)
class ProbeContainer:
    """A running probe container."""

    id: str
    address: str
    mac: str
    port: int


@dataclass(frozen=True, slots=True)
class ProbedHost:
    facts: HostFacts
    bridged: Seen
    container: ProbeContainer | None = None
    container_error: str | None = None
    listener_port: int = 0
    from_host: Measured = field(default_factory=lambda: Measured(error="it was not asked"))
    from_container: Measured = field(default_factory=lambda: Measured(error="it was not asked"))
    heard: tuple[tuple[str, str], ...] | None = None  # source and number of each broadcast; None: nobody listened


@dataclass(frozen=True, slots=True)
class MeshEvidence:
    """By host: of each either what it said, or why it said nothing."""

    hosts: Mapping[str, ProbedHost]
    unreachable: Mapping[str, DockmeshError]
    loop_danger: tuple[str, ...] = ()  # hosts for whose sake nothing was sent into the fabric


LOWEST_PORT = 1024  # of those that the kernel gives (ip_local_port_range)
UNDERLAY = "underlay "  # before the names of targets that are not in the mesh
NETWORK = "network "  # before the names of further networks, after which come a blank and the host's
NETWORK6 = "network6 "  # the same for their IPv6


def checked_port(port: Any) -> int:
    """Where a probe listens; 0 where none does. The kernel takes no port below 1024 for one that nobody chose.

    Raises ValueError.
    """
    if port is None:
        return 0
    if type(port) is not int or not LOWEST_PORT <= port < 1 << 16:
        raise ValueError(f"a probe that listens on port {port!a}")
    return port


def read_measured(answer: Mapping[str, Any]) -> Measured:
    """The JSON of `measure`."""
    targets = {row["name"]: read_target(row) for row in answer["targets"]}
    return Measured(
        targets={name: target for name, target in targets.items() if " " not in name},
        networks=_in_networks(targets, NETWORK),
        networks6=_in_networks(targets, NETWORK6),
        underlay={name.removeprefix(UNDERLAY): target for name, target in targets.items() if name.startswith(UNDERLAY)},
        owners={row["address"]: Owners(row["asked"], tuple(row["macs"])) for row in answer["owners"]},
        mtus=answer["mtus"],
        names={name: Named(tuple(said["addresses"]), said["error"]) for name, said in answer.get("names", {}).items()},
        arp_error=answer["arp_error"],
        broadcast_error=answer["broadcast_error"],
    )


def _in_networks(targets: Mapping[str, TargetEvidence], start: str) -> dict[tuple[str, str], TargetEvidence]:
    return {
        (network, host): target
        for name, target in targets.items()
        if name.startswith(start)
        for network, host in [name.removeprefix(start).split(" ")]
    }


def read_target(row: Mapping[str, Any]) -> TargetEvidence:
    full, bulk = row.get("full"), row.get("bulk")
    return TargetEvidence(
        ping=Echo(**row["ping"]),
        full=Echo(**full) if full else None,
        refused=row.get("refused"),
        transfer=Transfer(**bulk) if bulk else None,
    )
