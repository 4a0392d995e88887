"""From a mesh straight to what stands on its hosts."""

from functools import lru_cache

from dockmesh.model.mesh import Mesh
from dockmesh.plan.build import build
from dockmesh.plan.types import Plan, SpanningTree
from dockmesh.render.host import render
from dockmesh.render.types import HostConfig


def tree_of(plan: Plan) -> SpanningTree:
    """Of a plan that has one."""
    assert plan.tree is not None
    return plan.tree


def config_of(mesh: Mesh, host: str = "host1") -> HostConfig:
    plan = build(mesh)
    return render(plan, plan.host(host))


def configs(mesh: Mesh) -> dict[str, HostConfig]:
    return dict(_configs(mesh))


@lru_cache(maxsize=64)
def _configs(mesh: Mesh) -> tuple[tuple[str, HostConfig], ...]:
    """Tests that try every step ask for the same mesh thousands of times."""
    plan = build(mesh)
    return tuple((host.name, render(plan, host)) for host in plan.hosts)
