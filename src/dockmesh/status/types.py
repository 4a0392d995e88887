"""The mesh as it is now, as values: what was heard of each host, and what follows from all of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dockmesh.diff.types import Change
from dockmesh.errors import DockmeshError
from dockmesh.facts.types import HostFacts
from dockmesh.record.applied import Applied
from dockmesh.status.run_state import HostRuns
from dockmesh.verify.encryption import EncryptionState
from dockmesh.verify.pools import PoolUse
from dockmesh.verify.tunnel import End


@dataclass(frozen=True, slots=True)
class UnderlayCheck:
    """What was seen beneath a tunnel that is down, at one of its ends."""

    pings: bool | None = None  # whether the peer's underlay address answers; None: nobody could ask
    rule: str = ""  # a rule of the host's that drops GRE


@dataclass(frozen=True, slots=True)
class HostAnswers:
    """One host's answers."""

    facts: HostFacts
    runs: HostRuns
    underlay: Mapping[str, UnderlayCheck]  # by peer
    drop_counters: Mapping[str, int] = field(default_factory=dict)  # by why
    flows: str | None = None  # that were wanted when it was asked


@dataclass(frozen=True, slots=True)
class Api:
    """Docker's API in the mesh, on one host."""

    address: str  # and port
    open: bool
    until: datetime | None  # the end of the certificate that it has, as far as that can be read
    why: str = ""  # it is shut


@dataclass(frozen=True, slots=True)
class Names:
    """The resolver of one host."""

    state: str  # of its unit: active, failed, …
    count: int | None  # names that it answers itself; None: it has not said so yet
    silent: tuple[str, ...] = ()  # hosts whose resolvers do not answer it
    elsewhere: tuple[str, ...] = ()  # containers that ask others


@dataclass(frozen=True, slots=True)
class HostStatus:
    """One host. Of a host that does not answer nothing but its name and the error is known."""

    name: str
    error: DockmeshError | None = None
    system: str | None = None
    applied: Applied | None = None
    switch: str | None = None  # version of Open vSwitch, while it answers
    datapath: str | None = None
    docker: str | None = None  # version, while it answers
    containers: int | None = None
    pools: tuple[PoolUse, ...] = ()  # one a network
    names: Names | None = None  # None: it was never put there
    api: Api | None = None  # None: it was never opened
    encryption: EncryptionState | None = None  # None: in clear, or not applied yet
    drop_counters: Mapping[str, int] = field(
        default_factory=dict
    )  # frames, by why, since its flows were made; 0 is left out
    root: str | None = None  # whom it takes for the root of the tree; a MAC address where that is no host of the file
    differences: tuple[Change, ...] = ()
    refused: DockmeshError | None = None  # why file and host cannot be compared
    runs: HostRuns = field(default_factory=HostRuns)
    attachment_warnings: tuple["StatusFinding", ...] = ()


@dataclass(frozen=True, slots=True)
class FramePath:
    """How frames go between two hosts: the hosts on the way, both included; empty where there is no way."""

    a: str
    b: str
    hosts: tuple[str, ...]

    @property
    def through(self) -> tuple[str, ...]:
        return self.hosts[1:-1]


@dataclass(frozen=True, slots=True)
class StatusFinding:
    """Something that is not right, in words."""

    hosts: tuple[str, ...]
    what: str
    do: str


@dataclass(frozen=True, slots=True)
class Status:
    """Hosts in the order of the plan."""

    name: str
    forwarding: str
    root: str | None  # on which all that answer agree; without a spanning tree there is none
    hosts: tuple[HostStatus, ...]
    tunnels: tuple[End, ...]
    ways: tuple[FramePath, ...]
    findings: tuple[StatusFinding, ...]
    warnings: tuple[StatusFinding, ...] = ()  # all is well, but will not stay so by itself
