"""Evidence of hosts that are ready for a mesh, to be broken by a test in one place."""

from collections.abc import Collection
from dataclasses import replace
from ipaddress import IPv4Interface
from typing import Any

from dockmesh.diff.packages import PACKAGE_OF
from dockmesh.facts.system import LIBRARY
from dockmesh.facts.types import Docker, HostFacts, LinuxLink
from dockmesh.model.encryption import Encryption
from dockmesh.model.mesh import Datapath, Fabric, TunnelDevices
from dockmesh.model.tunnel import Tunnel
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.preflight.run import judge
from dockmesh.preflight.types import Around, Check, Evidence, Finding, HostEvidence, Level, PeerReach, Reach
from dockmesh.preflight.underlay import FULL, SMALL
from dockmesh.render.host import render
from tests.support.meshes import mesh_of

BOTH = frozenset((SMALL, FULL))
HEARD = PeerReach(BOTH, BOTH, {}, 0.4, 1500)
DEAF = PeerReach(ping_ms=0.4, largest=1500)


def plan(
    hosts: int = 3,
    datapath: Datapath = Datapath.SYSTEM,
    tunnel: Tunnel = Tunnel.GRE,
    tunnel_devices: TunnelDevices = TunnelDevices.OPENVSWITCH,
    encryption: Encryption | None = None,
) -> Plan:
    fabric = Fabric(datapath=datapath, tunnel=tunnel, tunnel_devices=tunnel_devices, encryption=encryption)
    return build(mesh_of(hosts, fabric=fabric))


def ready(planned: Plan) -> Evidence:
    """Debian with Open vSwitch and Docker as their packages leave them."""
    return Evidence(
        {host.name: _host(planned, host) for host in planned.hosts},
        {},
        {host.name: Reach({end.peer: HEARD for end in host.tunnels}) for host in planned.hosts},
    )


def _host(planned: Plan, host: HostPlan) -> HostEvidence:
    facts = HostFacts(
        name=host.name,
        programs=frozenset((*PACKAGE_OF, LIBRARY, "apt-get")),
        system="Debian",
        units={},
        links=(
            LinuxLink("docker0", 1500, up=True, mac="", addresses=(IPv4Interface("172.17.0.1/16"),)),
            LinuxLink("eth0", 1500, up=True, mac="", addresses=(IPv4Interface(f"{host.underlay}/24"),)),
        ),
        ovs=(),
        docker=Docker("26.1.5", False, planned.prefix, "172.17.0.1", None, None, (), "docker0"),
    )
    around = Around(
        python=(3, 13, 5),
        free={"/etc": 10 << 30, "/var": 10 << 30},
        iptables="-P INPUT ACCEPT\n-P FORWARD DROP\n-A FORWARD -i docker0 -o docker0 -j ACCEPT\n",
        iptables_kind="nf_tables",
        bridge_netfilter=True,
        ip_forward=True,
        tunnel_modules=frozenset(("ip_gre", "ip6_gre", "vxlan", "geneve")),
        makes_vxlan=True,
        seconds=1000.5,
    )
    return HostEvidence(facts, around, render(planned, host), None, (1000.0, 1001.0))


def with_facts(evidence: Evidence, host: str, **changes: Any) -> Evidence:
    known = evidence.hosts[host]
    return _with(evidence, host, replace(known, facts=replace(known.facts, **changes)))


def with_around(evidence: Evidence, host: str, **changes: Any) -> Evidence:
    known = evidence.hosts[host]
    return _with(evidence, host, replace(known, around=replace(known.around, **changes)))


def _with(evidence: Evidence, host: str, known: HostEvidence) -> Evidence:
    return replace(evidence, hosts={**evidence.hosts, host: known})


def with_heard(evidence: Evidence, host: str, peer: str, heard: PeerReach) -> Evidence:
    """What `host` knows of `peer` is this."""
    reach = evidence.reach[host]
    changed = replace(reach, peers={**reach.peers, peer: heard})
    return replace(evidence, reach={**evidence.reach, host: changed})


def filtered(evidence: Evidence, *pairs: tuple[str, str]) -> Evidence:
    """GRE does not pass between these, in both directions."""
    for one, other in pairs:
        evidence = with_heard(with_heard(evidence, one, other, DEAF), other, one, DEAF)
    return evidence


def trouble(planned: Plan, evidence: Evidence) -> list[Finding]:
    """All that is not fine."""
    return [finding for finding in judge(planned, evidence) if finding.level is not Level.FINE]


def only(planned: Plan, evidence: Evidence) -> Finding:
    """The one thing that is not fine."""
    (finding,) = trouble(planned, evidence)
    assert finding.do, "each has its fix"
    return finding


def checks(found: Collection[Finding]) -> list[tuple[Check, Level, tuple[str, ...]]]:
    return [(finding.check, finding.level, finding.hosts) for finding in found]
