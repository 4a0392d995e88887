"""From a mesh straight to what stands on its hosts."""

from dockmesh.model import Cluster
from dockmesh.plan.build import build
from dockmesh.plan.types import Plan, SpanningTree
from dockmesh.render.host import render
from dockmesh.render.types import HostConfig


def tree_of(plan: Plan) -> SpanningTree:
    """Of a plan that has one."""
    assert plan.tree is not None
    return plan.tree


def config_of(mesh: Cluster, host: str = "host1") -> HostConfig:
    plan = build(mesh)
    return render(plan, plan.host(host))


def configs(mesh: Cluster) -> dict[str, HostConfig]:
    plan = build(mesh)
    return {host.name: render(plan, host) for host in plan.hosts}
