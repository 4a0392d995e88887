"""A host as it is, as it should be, and the way from one to the other: the one place where they meet. Pure.

facts → the plan with the names that the host's ports have → what is to stand there → what differs, and why.
"""

from dataclasses import dataclass

from dockmesh.diff.adopt import adopt
from dockmesh.diff.deferred import Restart, without_restart
from dockmesh.diff.host import FACT_PATHS, diff
from dockmesh.diff.origin import explain
from dockmesh.diff.types import HostDiff
from dockmesh.facts.gather import Inquiry
from dockmesh.facts.types import HostFacts
from dockmesh.plan.types import Plan
from dockmesh.render.host import flows_of, render
from dockmesh.render.types import HostConfig


@dataclass(frozen=True, slots=True)
class Inspection:
    config: HostConfig
    facts: HostFacts
    diff: HostDiff
    hosts: tuple[str, ...] = ()  # all of the mesh


def inquiry(plan: Plan, host: str, *, docker_s: float | None = None) -> Inquiry:
    """All that it takes to be asked of a host."""
    return Inquiry(
        FACT_PATHS,
        flows_of(plan, plan.host(host)),
        docker_s,
        packages=bool(plan.debs),
        keys=plan.fabric.encryption is not None,
    )


def config_of(plan: Plan, facts: HostFacts, flows: str | None = None) -> HostConfig:
    """What is to stand on the host. `flows`: those of its inquiry, so that they are not made twice."""
    return render(plan, adopt(plan.host(facts.name), facts), flows)


def inspect(plan: Plan, config: HostConfig, facts: HostFacts, restart: Restart = Restart.NOW) -> Inspection:
    """What needs a restart of Docker is left where that is not to be now.

    Raises ConflictError where something of the user's is in the way; DatapathError and HostError where it cannot be, or
    where a newer dockmesh wrote the host's record.
    """
    found = explain(plan, config, facts, without_restart(diff(config, facts), facts, restart))
    return Inspection(config, facts, found, tuple(sorted(each.name for each in plan.hosts)))
