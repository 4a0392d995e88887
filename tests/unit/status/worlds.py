"""A mesh that was applied and is well, as heard from its hosts; to be broken by a test in one place."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from dockmesh.errors import ConnectError, DockmeshError
from dockmesh.facts.types import Container, HostFacts, OvsBridge, OvsInterface, Place
from dockmesh.model.mesh import Mesh
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.status.judge import judge
from dockmesh.status.run_state import HostRuns
from dockmesh.status.types import HostAnswers, Status
from tests.support.fake_host import FakeHost, applied
from tests.support.meshes import TREE, mesh_of
from tests.support.plans import configs
from tests.unit.verify.worlds import role_of

MESH = mesh_of(3, fabric=TREE)
PLAN = build(MESH)
NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
World = dict[str, HostAnswers]


def well(mesh: Mesh = MESH) -> World:
    plan = build(mesh)
    return {name: heard(plan, applied(config), config.flows) for name, config in configs(mesh).items()}


def heard(plan: Plan, host: FakeHost, bundle: str | None = None) -> HostAnswers:
    return HostAnswers(alive(plan, host.facts(bundle)), HostRuns(), {})


def alive(plan: Plan, facts: HostFacts) -> HostFacts:
    """With what Open vSwitch says of itself while the fabric is well."""
    bridges = tuple(
        _bridge(plan, plan.host(facts.name), each) if each.name == "br0" else each for each in facts.ovs or ()
    )
    return replace(facts, ovs=bridges)


def _bridge(plan: Plan, host: HostPlan, bridge: OvsBridge) -> OvsBridge:
    root = plan.host(plan.tree.root if plan.tree else plan.hosts[0].name).docker0.switch_mac.replace(":", "")
    ports = tuple(_port(plan, host, each) for each in bridge.interfaces)
    return replace(bridge, tree_status={"rstp_root_id": f"1.000.{root}"}, interfaces=ports)


def _port(plan: Plan, host: HostPlan, port: OvsInterface) -> OvsInterface:
    peer = port.external_ids.get("dockmesh-peer")
    if peer is None:
        return port
    links = plan.tree.links if plan.tree else plan.links
    forwards = {host.name, peer} in [{link.a, link.b} for link in links]
    return replace(
        port,
        bfd_status={"state": "up", "forwarding": "true"},
        tree_status={
            "rstp_port_state": "Forwarding" if forwards else "Discarding",
            "rstp_port_role": role_of(plan, host.name, peer) if plan.tree else "Designated",
        },
    )


def change_port(world: World, host: str, peer: str, change: Callable[[OvsInterface], OvsInterface | None]) -> None:
    """None: the port is gone."""
    known = world[host]
    bridges = []
    for bridge in known.facts.ovs or ():
        ports = (
            (change(each) if each.external_ids.get("dockmesh-peer") == peer else each) for each in bridge.interfaces
        )
        bridges.append(replace(bridge, interfaces=tuple(each for each in ports if each is not None)))
    world[host] = replace(known, facts=replace(known.facts, ovs=tuple(bridges)))


def run_containers(world: World, host: str, *addresses: str, macs: tuple[str, ...] = ()) -> None:
    """Containers `box0`, `box1` … on docker0, with Docker's own MACs unless told."""
    known = world[host]
    docker = known.facts.docker
    assert docker is not None
    made = tuple(
        Container(
            str(number),
            f"box{number}",
            address,
            (Place("bridge", address, macs[number] if macs else mac_of(address)),),
        )
        for number, address in enumerate(addresses)
    )
    facts = replace(known.facts, docker=replace(docker, containers=made))
    world[host] = replace(known, facts=facts)


def mac_of(address: str) -> str:
    """As Docker makes it."""
    return ":".join(["02", "42", *(f"{int(part):02x}" for part in address.split("."))])


def cut(world: World, a: str, b: str) -> None:
    """The tunnel between two is down, as seen at both ends."""
    cut_one(world, a, b)
    cut_one(world, b, a)


def cut_one(world: World, host: str, peer: str) -> None:
    def down(port: OvsInterface) -> OvsInterface:
        return replace(
            port,
            bfd_status={"state": "down", "forwarding": "false"},
            tree_status={"rstp_port_state": "Disabled", "rstp_port_role": "Disabled"},
        )

    change_port(world, host, peer, down)


def forward(world: World, a: str, b: str) -> None:
    def forwards(port: OvsInterface) -> OvsInterface:
        return replace(port, tree_status={"rstp_port_state": "Forwarding", "rstp_port_role": "Designated"})

    for host, peer in ((a, b), (b, a)):
        change_port(world, host, peer, forwards)


def change_units(world: World, host: str, units: Mapping[str, Mapping[str, str]]) -> None:
    world[host] = replace(world[host], facts=replace(world[host].facts, units=units))


def silence(world: World, name: str) -> Mapping[str, DockmeshError]:
    """A host that answers no SSH."""
    del world[name]
    answered = f"ssh: connect to host {name} port 22: No route to host"
    return {name: ConnectError("no SSH connection", host=name, answered=answered, do=f"try `ssh {name}` by hand")}


def status_of(world: World, gone: Mapping[str, DockmeshError] | None = None, mesh: Mesh = MESH) -> Status:
    return judge(build(mesh), world, gone or {}, NOW)
