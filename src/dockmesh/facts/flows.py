"""The flows and groups of the fabric's bridge, compared with those that are wanted.

Open vSwitch compares flows itself: it writes them otherwise than they were given. Groups it only lists.
"""

from dockmesh.agent.flow_guard import flows_of, read_groups
from dockmesh.facts.fact import Fact
from dockmesh.facts.types import FlowState
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.transport.requests import Answer, Exec

OFCTL = ("ovs-ofctl", "--no-names", "-O", "OpenFlow15")
GROUPS = Exec((*OFCTL, "dump-groups", FABRIC_BRIDGE), timeout_s=10)
SAME, DIFFERENT = 0, 2
NONE = Answer(0)


def questions(bundle: str) -> tuple[Exec, ...]:
    """About groups only where there shall be any."""
    compare = Exec((*OFCTL, "diff-flows", FABRIC_BRIDGE, "/dev/stdin"), stdin=flows_of(bundle), timeout_s=10)
    return (compare, GROUPS) if read_groups(bundle) else (compare,)


def read(bundle: str, flows: Answer, groups: Answer = NONE) -> FlowState | None:
    """From the answers to `questions(bundle)`; None where the bridge does not say."""
    if flows.code not in (SAME, DIFFERENT) or not groups.ok:
        return None
    lines = flows.out.splitlines()
    wanted = read_groups(bundle)
    there = read_groups(groups.out)
    return FlowState(
        missing=tuple(line[1:].strip() for line in lines if line.startswith("+")),
        extra=tuple(line[1:].strip() for line in lines if line.startswith("-")),
        groups_missing=tuple(sorted(number for number in wanted if number not in there)),
        groups_changed=tuple(
            sorted(number for number, group in wanted.items() if number in there and there[number] != group)
        ),
    )


def fact(bundle: str) -> Fact:
    return Fact(questions(bundle), lambda *answers: {"flows": read(bundle, *answers)})
