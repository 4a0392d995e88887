"""Why a tunnel is down: whether the underlay carries anything between the two, and who drops GRE."""

import shlex
from collections.abc import Sequence
from itertools import pairwise

from dockmesh.plan.types import TunnelEnd
from dockmesh.remote.seam import Answer, Request, Run
from dockmesh.status.types import Below

RULES = Run(("iptables", "-S"))
GRE = ("gre", "47")
DROPS = ("DROP", "REJECT")


def questions(ends: Sequence[TunnelEnd]) -> tuple[Request, ...]:
    return (RULES, *(Run(("ping", "-n", "-c", "1", "-W", "1", str(end.remote)), timeout_s=3) for end in ends))


def read(ends: Sequence[TunnelEnd], answers: tuple[Answer, ...]) -> dict[str, Below]:
    """By peer, from the answers to `questions(ends)`."""
    rules, *pings = answers
    found = dropping_rule(rules.out) if rules.ok else ""
    # ping(8): 0 answered, 1 not answered, 2 anything else.
    return {
        end.peer: Below(answer.code == 0 if answer.code in (0, 1) else None, found)
        for end, answer in zip(ends, pings, strict=True)
    }


def dropping_rule(rules: str) -> str:
    """The first rule of `iptables -S` that drops GRE, whatever else it asks for; "" if there is none."""
    for line in rules.splitlines():
        match shlex.split(line):
            case ["-A", *words] if "!" not in words and _after(words, "-p") in GRE and _after(words, "-j") in DROPS:
                return line.strip()
    return ""


def _after(words: Sequence[str], option: str) -> str:
    return next((value for name, value in pairwise(words) if name == option), "")
