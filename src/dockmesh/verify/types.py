"""What a verification says, as values: each probe with its verdict, and the causes of those that did not pass."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """A probe that could not run is unknown, which is not a pass."""

    PASS = "pass"  # noqa: S105 — no password
    FAIL = "fail"
    UNKNOWN = "unknown"


class ProbeKind(StrEnum):
    """What is measured. The names are part of `--json`: they stay."""

    DOCKER = "docker"  # the daemon answers, and uses the planned addresses, pool and MTU, and so do its containers
    BRIDGE = "bridge"  # docker0 and br0 are as planned, and br0 is in docker0
    TREE = "tree"  # the spanning tree is on, has settled, has the planned root and no loop
    FLOWS = "flows"  # those that carry frames without a spanning tree, or guard it, are all there, and their groups
    ENCRYPTION = "encryption"  # the host encrypts, with each of its peers, and nothing that guards it is missing
    NETWORK = "network"  # a further network is as planned, in Docker and in the kernel
    TUNNEL = "tunnel"  # a host's end of a link: there, and BFD hears the other end
    HOST_PING = "host-ping"  # from bridge address to bridge address
    HOST_SIZE = "host-size"  # a packet of the MTU passes with DF, and one byte more is refused at the source
    HOST_TRANSFER = "host-transfer"  # a bulk TCP transfer arrives with its checksum
    CONTAINER_PING = "container-ping"
    CONTAINER_SIZE = "container-size"
    CONTAINER_TRANSFER = "container-transfer"
    ADDRESS = "address"  # the target's two addresses are answered for by one owner each, and its MACs are its own
    NAME = "name"  # the source's container finds the target's by its name
    BROADCAST = "broadcast"  # one broadcast of the source arrives at the target exactly once
    NETWORK_PING = "network-ping"  # in a further network, from bridge address to bridge address
    NETWORK_SIZE = "network-size"  # the same with a packet of its MTU
    NETWORK_PING6 = "network-ping6"  # both by IPv6, in a network that has it
    NETWORK_SIZE6 = "network-size6"


HOST_PAIRS = (ProbeKind.HOST_PING, ProbeKind.HOST_SIZE, ProbeKind.HOST_TRANSFER)
CONTAINER_PAIRS = (
    ProbeKind.CONTAINER_PING,
    ProbeKind.CONTAINER_SIZE,
    ProbeKind.CONTAINER_TRANSFER,
    ProbeKind.ADDRESS,
    ProbeKind.NAME,
    ProbeKind.BROADCAST,
)
NETWORK_PAIRS = (ProbeKind.NETWORK_PING, ProbeKind.NETWORK_SIZE, ProbeKind.NETWORK_PING6, ProbeKind.NETWORK_SIZE6)
NETWORK6_PAIRS = NETWORK_PAIRS[2:]
ONE_HOST = (
    ProbeKind.DOCKER,
    ProbeKind.BRIDGE,
    ProbeKind.TREE,
    ProbeKind.FLOWS,
    ProbeKind.ENCRYPTION,
    ProbeKind.NETWORK,
)


@dataclass(frozen=True, slots=True)
class Probe:
    """One measurement. `target` is `source` where there is only one host in it."""

    kind: ProbeKind
    source: str
    target: str
    verdict: Verdict
    measured: str = ""
    reason: str | None = None  # why it did not pass
    do: str | None = None
    network: str = ""  # of a probe in a further network


class CauseKind(StrEnum):
    """What can be wrong, worst first: of several causes of one failing probe, the first here is named."""

    UNREACHABLE = "unreachable"
    FABRIC_MISSING = "fabric-missing"
    DOCKER_DOWN = "docker-down"
    ADDRESS_TAKEN = "address-taken"
    MAC_TAKEN = "mac-taken"
    DOCKER_BRIDGE = "docker-bridge"
    NOT_ATTACHED = "not-attached"
    LOOP = "loop"
    TREE_OFF = "tree-off"
    FLOWS = "flows"
    DOCKER_SETTINGS = "docker-settings"
    NETWORK = "network"
    ATTACHED = "attached-interface"
    OUTSIDE_POOL = "outside-pool"
    POOL_FULL = "pool-full"
    BRIDGE_NETFILTER = "bridge-netfilter"
    MTU = "mtu"
    TREE = "tree"
    ENCRYPTION = "encryption"
    UNDERLAY_DOWN = "underlay-down"
    UNDERLAY_MTU = "underlay-mtu"
    TUNNEL_MISSING = "tunnel-missing"
    TUNNEL_WRONG = "tunnel-wrong"
    TUNNEL_FILTERED = "tunnel-filtered"
    CUT_OFF = "cut-off"
    HOST_FIREWALL = "host-firewall"
    NAMES = "names"
    NOT_MEASURED = "not-measured"
    UNEXPLAINED = "unexplained"


class Scope(StrEnum):
    """Which pairs a cause can be the reason for."""

    HOSTS = "hosts"  # those with one of its hosts at an end
    LINK = "link"  # the two hosts of a link, and those whose frames go through it
    MESH = "mesh"  # all


@dataclass(frozen=True, slots=True)
class Cause:
    """Something wrong that was seen, and the kinds of probe that it keeps from passing."""

    fault: CauseKind
    hosts: tuple[str, ...]
    seen: str
    do: str
    explains: frozenset[ProbeKind]
    scope: Scope = Scope.HOSTS


@dataclass(frozen=True, slots=True)
class VerifyReport:
    hosts: tuple[str, ...]  # in the order of the plan
    probes: tuple[Probe, ...]
    causes: tuple[Cause, ...]  # worst first
    seconds: float = 0.0

    @property
    def verdict(self) -> Verdict:
        return worst(probe.verdict for probe in self.probes)

    @property
    def unknown(self) -> tuple[Probe, ...]:
        return self.of(Verdict.UNKNOWN)

    def of(self, verdict: Verdict) -> tuple[Probe, ...]:
        return tuple(probe for probe in self.probes if probe.verdict is verdict)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Fail over unknown over pass; of nothing, unknown: what nobody measured did not pass."""
    found = set(verdicts)
    if Verdict.FAIL in found:
        return Verdict.FAIL
    return Verdict.UNKNOWN if Verdict.UNKNOWN in found or not found else Verdict.PASS
