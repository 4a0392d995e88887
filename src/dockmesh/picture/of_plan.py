"""The picture of a plan: what the file wants, whether or not it is there."""

from dockmesh.model.mesh import Sites
from dockmesh.picture.types import LineKind, LinkLine, MeshPicture, Node, SiteGroup
from dockmesh.plan.topology import hub_of, in_words
from dockmesh.plan.types import HostPlan, Plan


def picture_of_plan(plan: Plan) -> MeshPicture:
    carrying = set(plan.carrying)
    return MeshPicture(
        plan.name,
        subtitle_of(plan),
        tuple(Node(host.name, (str(host.underlay), str(host.pool)), mark_of(plan, host)) for host in plan.hosts),
        tuple(
            LinkLine(link.a, link.b, LineKind.CARRIES if link in carrying else LineKind.STANDBY) for link in plan.links
        ),
        hub_of(plan.fabric.topology, plan.hosts[0].name),
        groups_of(plan),
    )


def subtitle_of(plan: Plan) -> str:
    topology = in_words(plan.fabric.topology, plan.hosts[0].name)
    links = f"{len(plan.links)} link{'' if len(plan.links) == 1 else 's'}"
    return (
        f"{len(plan.hosts)} hosts, {topology}, {links} of {plan.fabric.tunnel}, "
        f"forwarding {plan.fabric.forwarding}, MTU {plan.mtu_sum.mtu}"
    )


def mark_of(plan: Plan, host: HostPlan) -> str:
    return "root" if host.name == plan.root else ""


def groups_of(plan: Plan) -> tuple[SiteGroup, ...]:
    topology = plan.fabric.topology
    return tuple(SiteGroup(name, members) for name, members in topology.groups) if isinstance(topology, Sites) else ()
