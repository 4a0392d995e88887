"""Evidence of meshes that are as planned, to be broken by a test in one place."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise
from typing import Any

from dockmesh.facts.iptables import Fate, Seen
from dockmesh.facts.types import Docker, FlowState, HostFacts, LinuxLink, OvsBridge, OvsInterface
from dockmesh.model.mesh import FullMesh, Host, Links, Mesh, Topology
from dockmesh.model.network import Network
from dockmesh.plan.build import build
from dockmesh.plan.graph import depths, neighbours
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.render.names import UNIT
from dockmesh.verify.evidence import (
    Echo,
    Measured,
    MeshEvidence,
    Named,
    Owners,
    ProbeContainer,
    ProbedHost,
    TargetEvidence,
    Transfer,
)
from tests.support.meshes import TREE, in_docker0
from tests.support.plans import tree_of

ANSWERED = TargetEvidence(Echo(0.5, 1, None), Echo(0.6, 1, None), refused=True, transfer=Transfer(500.0, None))
SILENT = TargetEvidence(Echo(None, 10, None))


def plan(hosts: int = 3, topology: Topology | None = None) -> Plan:
    return build(
        Mesh(
            "prod",
            replace(TREE, topology=topology or FullMesh()),
            (Network("docker0", IPv4Network("10.9.0.0/16")),),
            tuple(
                Host(
                    f"h{number}",
                    underlay=IPv4Address(f"192.0.2.{number}"),
                    allocations=in_docker0(f"10.9.0.{number}", f"10.9.{number}.0/24"),
                )
                for number in range(1, hosts + 1)
            ),
        )
    )


def chain(*names: str) -> Links:
    return Links(tuple(pairwise(names)))


def facts(planned: Plan, host: HostPlan) -> HostFacts:
    return HostFacts(
        name=host.name,
        programs=frozenset(),
        system="Debian",
        units={UNIT: {"ActiveState": "active"}},
        links=(
            LinuxLink("br0", planned.mtu, up=True, mac=host.docker0.switch_mac, master="docker0"),
            LinuxLink("docker0", planned.mtu, up=True, mac=host.docker0.bridge_mac, addresses=(host.address,)),
        ),
        ovs=(_bridge(planned, host),),
        flows=FlowState(),
        docker=Docker(
            version="26.1.5",
            live_restore=False,
            prefix=planned.prefix,
            gateway=str(host.address.ip),
            pool=host.pool,
            mtu=planned.mtu,
            containers=(),
            default_bridge="docker0",
        ),
    )


def _bridge(planned: Plan, host: HostPlan) -> OvsBridge:
    root = planned.host(tree_of(planned).root).docker0.switch_mac.replace(":", "")
    ports = []
    for end in host.tunnels:
        forwards = {host.name, end.peer} in [{link.a, link.b} for link in tree_of(planned).links]
        ports.append(
            OvsInterface(
                name=end.port,
                type="gre",
                options={"remote_ip": str(end.remote)},
                bfd={"enable": "true"},
                bfd_status={"state": "up", "forwarding": "true"},
                external_ids={"dockmesh": planned.name, "dockmesh-peer": end.peer},
                error=None,
                mtu_request=None,
                tag=None,
                vlan_mode=None,
                tree_status={
                    "rstp_port_state": "Forwarding" if forwards else "Discarding",
                    "rstp_port_role": role_of(planned, host.name, end.peer),
                },
            )
        )
    return OvsBridge(
        name="br0",
        datapath_type="system",
        rstp=True,
        stp=False,
        fail_mode=None,
        other_config={},
        external_ids={"dockmesh": planned.name},
        tree_status={"rstp_root_id": f"1.000.{root}"},
        interfaces=tuple(ports),
    )


def role_of(planned: Plan, host: str, peer: str) -> str:
    """Of the port at a host that leads to the peer."""
    links = tree_of(planned).links
    if {host, peer} not in [{link.a, link.b} for link in links]:
        return "Alternate"
    far = depths(neighbours([each.name for each in planned.hosts], links), tree_of(planned).root)
    return "Root" if far[peer] < far[host] else "Designated"


def container(host: HostPlan) -> ProbeContainer:
    number = int(host.address.ip) & 0xFF
    return ProbeContainer("c" * 64, str(host.pool[0]), f"02:42:0a:09:{number:02x}:00", 40000)


def healthy(planned: Plan) -> MeshEvidence:
    return MeshEvidence({host.name: _host(planned, host) for host in planned.hosts}, {})


def _host(planned: Plan, host: HostPlan) -> ProbedHost:
    others = [other for other in planned.hosts if other is not host]
    owners = {str(other.address.ip): Owners(1, (other.docker0.bridge_mac,)) for other in others}
    owners |= {container(other).address: Owners(1, (container(other).mac,)) for other in others}
    targets = {other.name: ANSWERED for other in others}
    return ProbedHost(
        facts=facts(planned, host),
        bridged=Seen(Fate.PASSES),
        container=container(host),
        listener_port=40001,
        from_host=Measured(targets, underlay={end.peer: ANSWERED for end in host.tunnels}),
        from_container=Measured(
            targets,
            owners=owners,
            mtus={"eth0": planned.mtu},
            names={other.name: Named((container(other).address,)) for other in others},
        ),
        heard=tuple((other.name, number) for other in others for number in ("1", "2")),
    )


def changed(evidence: MeshEvidence, host: str, **changes: Any) -> MeshEvidence:
    """The same, but for some fields of one host's evidence."""
    return replace(evidence, hosts={**evidence.hosts, host: replace(evidence.hosts[host], **changes)})


def changed_facts(evidence: MeshEvidence, host: str, **changes: Any) -> MeshEvidence:
    return changed(evidence, host, facts=replace(evidence.hosts[host].facts, **changes))


def changed_port(evidence: MeshEvidence, host: str, peer: str, **changes: Any) -> MeshEvidence:
    """One tunnel port changed, or with `gone=True` taken away."""
    bridge = evidence.hosts[host].facts.bridge("br0")
    assert bridge is not None
    ports = []
    for port in bridge.interfaces:
        if port.external_ids["dockmesh-peer"] != peer:
            ports.append(port)
        elif "gone" not in changes:
            ports.append(replace(port, **changes))
    return changed_facts(evidence, host, ovs=(replace(bridge, interfaces=tuple(ports)),))


def silent(evidence: MeshEvidence, *pairs: tuple[str, str]) -> MeshEvidence:
    """No pings between these, in the order given, be they hosts or containers."""
    for source, target in pairs:
        known = evidence.hosts[source]
        evidence = changed(
            evidence,
            source,
            from_host=_with(known.from_host, "targets", {target: SILENT}),
            from_container=_with(known.from_container, "targets", {target: SILENT}),
        )
    return evidence


def silent_underlay(evidence: MeshEvidence, source: str, target: str) -> MeshEvidence:
    known = evidence.hosts[source]
    return changed(evidence, source, from_host=_with(known.from_host, "underlay", {target: SILENT}))


def _with(measured: Measured, field: str, more: Mapping[str, TargetEvidence]) -> Measured:
    changes: dict[str, Any] = {field: {**getattr(measured, field), **more}}
    return replace(measured, **changes)
