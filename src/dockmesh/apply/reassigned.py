"""Hosts whose present addresses the plan gives to somebody else."""

from collections.abc import Mapping

from dockmesh.apply.inspection import Inspections
from dockmesh.facts.types import DockerNetwork, HostFacts
from dockmesh.inspect.host import Inspection
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.plan.types import HostPlan, Plan


def reassigned(plan: Plan, inspections: Inspections) -> frozenset[str]:
    """If one of these rolls back alone, it must stay out of the mesh: its old addresses may have a new owner."""
    facts: Mapping[str, HostFacts] = {
        name: inspection.facts for name, inspection in inspections.items() if isinstance(inspection, Inspection)
    }
    return frozenset(
        name
        for name, each in facts.items()
        # Who is not changed by this run gets nothing by it.
        if any(_has_part_of(each, other) for other in plan.hosts if other.name != name and other.name in facts)
    )


def reassigned_networks(plan: Plan, inspections: Inspections) -> Mapping[str, frozenset[str]]:
    """By host its networks that it must not have again if it rolls back alone, for the same reason; docker0 apart."""
    dockers = {
        name: inspection.facts.docker
        for name, inspection in inspections.items()
        if isinstance(inspection, Inspection) and inspection.facts.docker
    }
    return {
        name: frozenset(
            theirs.name
            for theirs in docker.networks
            if any(_is_part_of(theirs, other) for other in plan.hosts if other.name != name and other.name in dockers)
        )
        for name, docker in dockers.items()
    }


def _has_part_of(facts: HostFacts, other: HostPlan) -> bool:
    fabric = facts.link(FABRIC_BRIDGE)
    if facts.docker is None or fabric is None or fabric.master is None:
        return False
    pool = facts.docker.pool
    same_pool = pool is not None and pool.overlaps(other.pool)
    return facts.docker.gateway == str(other.address.ip) or same_pool


def _is_part_of(theirs: DockerNetwork, other: HostPlan) -> bool:
    return any(
        theirs.gateway == str(allocation.address.ip)
        or (theirs.pool is not None and theirs.pool.overlaps(allocation.pool))
        or (allocation.address6 is not None and theirs.gateway6 == str(allocation.address6.ip))
        or (theirs.pool6 is not None and allocation.pool6 is not None and theirs.pool6.overlaps(allocation.pool6))
        for allocation in other.further
    )
