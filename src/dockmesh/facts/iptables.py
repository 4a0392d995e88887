"""What a host's iptables do with a packet, as far as its rules tell.

With br_netfilter loaded the kernel shows the frames between members of docker0 to the FORWARD chain, as coming from and
going to docker0.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_network

from dockmesh.model.network import DOCKER_BRIDGE
from dockmesh.transport.requests import Answer, Exec, Get, Request

BRIDGE_NETFILTER = "/proc/sys/net/bridge/bridge-nf-call-iptables"
RULES = Exec(("iptables", "-S"))
RULES6 = Exec(("ip6tables", "-S"))
QUESTIONS: tuple[Request, ...] = (Get(BRIDGE_NETFILTER), RULES)

DEEPEST = 20  # chains that call chains; iptables itself allows no circle


class Fate(StrEnum):
    PASSES = "passes"
    RULE = "dropped by a rule"
    POLICY = "dropped by the policy"  # no rule lets it pass
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Seen:
    """The fate of a first packet, and the rule that seals it."""

    fate: Fate
    rule: str = ""
    chain: str = ""  # of nftables, with family and table: where a rule in front of it would go


@dataclass(frozen=True, slots=True)
class Packet:
    """What is known of a packet; a rule that asks for anything else is passed over."""

    came_in: str | None = None  # a device; None: it comes from the host itself
    goes_out: str | None = None
    protocols: tuple[str, ...] = ()  # the names of its IP protocol; none: any
    port: int | None = None  # destination port of UDP
    source: IPv4Address | IPv6Address | None = None
    to_host: bool = False  # its destination is an address of the host


BRIDGED = Packet(DOCKER_BRIDGE, DOCKER_BRIDGE)


def read_bridged(netfilter: Answer, rules: Answer) -> Seen:
    """What happens to a frame that goes from one member of docker0 to another; from the answers to QUESTIONS."""
    if not netfilter.ok or netfilter.out.strip() == "0":
        return Seen(Fate.PASSES)
    return walk(rules.out, "FORWARD", BRIDGED) if rules.ok else Seen(Fate.UNKNOWN)


def walk(rules: str, hook: str, packet: Packet) -> Seen:
    """Follow a packet through a chain of the answer of `iptables -S`."""
    policy, chains = "ACCEPT", dict[str, list[list[str]]]()
    for line in rules.splitlines():
        match shlex.split(line):
            case ["-P", chain, target] if chain == hook:
                policy = target
            case ["-A", chain, *words]:
                chains.setdefault(chain, []).append(words)
    end, rule = _follow(chains, hook, packet, 0)
    if end is None:
        return Seen(Fate.PASSES) if policy == "ACCEPT" else Seen(Fate.POLICY, f"-P {hook} {policy}")
    return Seen(Fate.PASSES) if end == "ACCEPT" else Seen(Fate.RULE, rule)


def _follow(chains: dict[str, list[list[str]]], chain: str, packet: Packet, depth: int) -> tuple[str | None, str]:
    for words in chains.get(chain, ()):
        target = _target(words, packet)
        if target in ("ACCEPT", "DROP", "REJECT"):
            return target, shlex.join(["-A", chain, *words])
        if target == "RETURN":
            break
        if target in chains and depth < DEEPEST:
            end, rule = _follow(chains, target, packet, depth + 1)
            if end is not None:
                return end, rule
    return None, ""


def _target(words: Sequence[str], packet: Packet) -> str | None:  # noqa: PLR0912  a case for each word
    """Where a rule sends every such packet; None if it does not, or does so only with some."""
    rest = list(words)
    target: str | None = None
    while rest:
        match rest:
            case ["!", "-i", name, *rest] if not _is_device(name, packet.came_in):
                pass
            case ["!", "-o", name, *rest] if not _is_device(name, packet.goes_out):
                pass
            case ["-i", name, *rest] if _is_device(name, packet.came_in):
                pass
            case ["-o", name, *rest] if _is_device(name, packet.goes_out):
                pass
            case ["-p", name, *rest] if name in packet.protocols:
                pass
            case ["-s", network, *rest] if packet.source and packet.source in ip_network(network, strict=False):
                pass
            case ["-m", "udp" | "multiport", *rest] if packet.port is not None:
                pass
            case ["--dport" | "--dports", ports, *rest] if _is_among(packet.port, ports):
                pass
            case ["-m", "addrtype", "--dst-type", "LOCAL", *rest] if packet.to_host:
                pass
            case ["-m", "comment", "--comment", _, *rest]:
                pass
            case ["-j" | "-g", name, *rest]:
                target = name
                if target == "REJECT":
                    rest = []  # what follows says how, not when
            case _:
                return None
    return target


def _is_among(port: int | None, ports: str) -> bool:
    """In iptables' words: `4789`, `4000:5000`, and several of these with commas between."""
    ranges = (part.partition(":") for part in ports.split(","))
    return port is not None and any(
        int(low or 0) <= port <= int(high or 65535 if colon else low) for low, colon, high in ranges
    )


def _is_device(name: str, device: str | None) -> bool:
    return device is not None and (name == device or (name.endswith("+") and device.startswith(name[:-1])))
