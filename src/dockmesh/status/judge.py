"""What was heard → Status: pure."""

from collections.abc import Mapping
from datetime import datetime

from dockmesh.diff.types import Change
from dockmesh.errors import DockmeshError, HostError
from dockmesh.inspect.host import config_of, inspect
from dockmesh.model.mesh import Datapath
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.record.applied import read
from dockmesh.record.paths import APPLIED
from dockmesh.status import api, attached, encryption, findings, names, warnings, ways
from dockmesh.status.types import HostAnswers, HostStatus, Status
from dockmesh.verify import pools, tree, tunnel
from dockmesh.verify.tree import TreeView


def judge(plan: Plan, heard: Mapping[str, HostAnswers], gone: Mapping[str, DockmeshError], now: datetime) -> Status:
    """Of the hosts that were asked: those that were heard, and those that are gone. `now` is for certificates."""
    facts = {name: each.facts for name, each in heard.items()}
    views, ends = tree.read_views(plan, facts), tunnel.read_ends(plan, facts)
    hosts = tuple(
        _host(plan, host, heard[host.name], views.get(host.name))
        if host.name in heard
        else HostStatus(host.name, gone[host.name])
        for host in plan.hosts
        if host.name in heard or host.name in gone
    )
    roots = {host.root for host in hosts if host.root}
    found = ways.find_ways(plan, ways.open_links(plan, views, ends))
    return Status(
        name=plan.name,
        forwarding=str(plan.fabric.forwarding),
        root=next(iter(roots)) if len(roots) == 1 else None,
        hosts=hosts,
        tunnels=tuple(ends.values()),
        ways=tuple(way for way in found if heard.keys() & {way.a, way.b}),
        findings=tuple(findings.find(plan, heard, hosts, found, now)),
        warnings=tuple(warnings.find(plan, hosts, now)),
    )


def _host(plan: Plan, host: HostPlan, heard: HostAnswers, view: TreeView | None) -> HostStatus:
    facts = heard.facts
    differences, refused = _compare(plan, heard)
    fabric, applied = facts.bridge(FABRIC_BRIDGE), read(facts.file(APPLIED))
    return HostStatus(
        name=host.name,
        system=facts.system,
        applied=applied,
        switch=None if facts.ovs is None else facts.switch_version or "unknown",
        datapath=(fabric.datapath_type or str(Datapath.SYSTEM)) if fabric else None,
        docker=facts.docker.version if facts.docker else None,
        containers=len(facts.docker.containers) if facts.docker else None,
        pools=pools.use(host, facts),
        names=names.read(plan, facts, applied),
        api=api.read(plan, host, facts, applied),
        encryption=encryption.read(plan, facts, applied),
        drop_counters=heard.drop_counters,
        root=(tree.root_host(plan, view.root) or view.root or None) if view and view.on else None,
        differences=differences,
        refused=refused,
        runs=heard.runs,
        attachment_warnings=attached.interface_warnings(host, heard),
    )


def _compare(plan: Plan, heard: HostAnswers) -> tuple[tuple[Change, ...], HostError | None]:
    config = config_of(plan, heard.facts, heard.flows)
    try:
        return inspect(plan, config, heard.facts).diff.differences, None
    except HostError as error:
        return (), error
