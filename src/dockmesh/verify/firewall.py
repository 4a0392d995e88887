"""What a host's firewall does with a frame that goes from one member of docker0 to another.

With br_netfilter loaded the kernel shows such frames to iptables' FORWARD chain, as coming from and going to docker0.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from dockmesh.model import DOCKER_BRIDGE
from dockmesh.remote.seam import Answer, Get, Request, Run

BRIDGE_NETFILTER = "/proc/sys/net/bridge/bridge-nf-call-iptables"
QUESTIONS: tuple[Request, ...] = (Get(BRIDGE_NETFILTER), Run(("iptables", "-S")))

DEEPEST = 20  # chains that call chains; iptables itself allows no circle


class Fate(StrEnum):
    PASSES = "passes"
    RULE = "dropped by a rule"  # one that names docker0 on both sides, as Docker's own does under icc=false
    POLICY = "dropped by the policy"  # no rule lets it pass
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Bridged:
    """The fate of a first frame, and the rule that seals it."""

    fate: Fate
    rule: str = ""


def read_bridged(netfilter: Answer, rules: Answer) -> Bridged:
    """From the answers to QUESTIONS."""
    if not netfilter.ok or netfilter.out.strip() == "0":
        return Bridged(Fate.PASSES)
    return walk(rules.out) if rules.ok else Bridged(Fate.UNKNOWN)


def walk(rules: str) -> Bridged:
    """Follow a frame through the answer of `iptables -S`; a rule that asks for more than devices is passed over."""
    policy, chains = "ACCEPT", dict[str, list[list[str]]]()
    for line in rules.splitlines():
        match shlex.split(line):
            case ["-P", "FORWARD", policy]:
                pass
            case ["-A", chain, *words]:
                chains.setdefault(chain, []).append(words)
    end, rule = _follow(chains, "FORWARD", 0)
    if end is None:
        return Bridged(Fate.PASSES) if policy == "ACCEPT" else Bridged(Fate.POLICY, f"-P FORWARD {policy}")
    return Bridged(Fate.PASSES) if end == "ACCEPT" else Bridged(Fate.RULE, rule)


def _follow(chains: dict[str, list[list[str]]], chain: str, depth: int) -> tuple[str | None, str]:
    for words in chains.get(chain, ()):
        target = _target_for_docker0(words)
        if target in ("ACCEPT", "DROP", "REJECT"):
            return target, shlex.join(["-A", chain, *words])
        if target == "RETURN":
            break
        if target in chains and depth < DEEPEST:
            end, rule = _follow(chains, target, depth + 1)
            if end is not None:
                return end, rule
    return None, ""


def _target_for_docker0(words: Sequence[str]) -> str | None:
    """Where a rule sends every frame from docker0 to docker0; None if it does not, or does so only with some."""
    rest = list(words)
    target: str | None = None
    while rest:
        match rest:
            case ["!", "-i" | "-o", name, *rest] if name != DOCKER_BRIDGE:
                pass
            case ["-i" | "-o", name, *rest] if _matches(name):
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


def _matches(name: str) -> bool:
    return name == DOCKER_BRIDGE or (name.endswith("+") and DOCKER_BRIDGE.startswith(name[:-1]))
