"""What `verify` and `status` promise of `dockmesh apply`, for everything that one harm to a host can be.

Each fact of a host that is well is changed in every way that there is here. Where a cause says that apply sets it
right, apply must see something to do on that host; tests/lab/test_advice.py has the same on real hosts.
"""

from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface
from typing import Any

import pytest

from dockmesh.diff.host import diff
from dockmesh.errors import HostError
from dockmesh.facts.iptables import Fate, Seen
from dockmesh.facts.types import Container, DockerNetwork, FlowState, HostFacts, OvsInterface, Place
from dockmesh.model.mesh import Forwarding, Mesh
from dockmesh.plan.build import build
from dockmesh.render.types import HostConfig
from dockmesh.status.judge import judge
from dockmesh.verify.diagnose import look
from dockmesh.verify.evidence import MeshEvidence, ProbedHost
from tests.support.meshes import TREE, mesh_of, with_attachment, with_network
from tests.support.plans import configs
from tests.unit.status import worlds

PROMISE = "dockmesh apply"
HARMED = "host2"
MESHES = {
    forwarding: with_network(
        with_attachment(
            with_network(mesh_of(3, fabric=replace(TREE, forwarding=forwarding)), prefix6="fd00:80::/64"),
        ),
        "red",
        "10.90.0.0/16",
        vlan=30,
        hosts=("host1", "host3"),
    )
    for forwarding in (Forwarding.DIRECT, Forwarding.RSTP)
}
Harm = tuple[str, HostFacts]


@cache
def well(forwarding: Forwarding) -> worlds.World:
    return worlds.well(MESHES[forwarding])


def others_addresses() -> dict[str, IPv4Interface | IPv6Interface]:
    mesh: Mesh = MESHES[Forwarding.DIRECT]
    third = build(mesh).host("host3")
    found: dict[str, IPv4Interface | IPv6Interface] = {}
    for allocation in third.networks:
        found[f"host3's in {allocation.name}"] = IPv4Interface(f"{allocation.address.ip}/32")
        found[f"of host3's pool of {allocation.name}"] = IPv4Interface(f"{allocation.pool[9]}/32")
        if allocation.address6 is not None:
            found[f"host3's in {allocation.name} by IPv6"] = IPv6Interface(f"{allocation.address6.ip}/128")
    return found


def harms(facts: HostFacts) -> Iterator[Harm]:
    yield from _links(facts)
    yield from _ovs(facts)
    yield from _docker(facts)
    for unit in facts.units:
        units = {**facts.units, unit: {"UnitFileState": "enabled", "ActiveState": "inactive"}}
        yield f"{unit} is stopped", replace(facts, units=units)
    for flows in (
        None,
        FlowState(missing=("a",)),
        FlowState(extra=("actions=NORMAL",)),
        FlowState(groups_missing=(1,)),
    ):
        yield f"flows are {flows}", replace(facts, flows=flows)
    for path in facts.files:
        yield f"{path} is gone", replace(facts, files={key: each for key, each in facts.files.items() if key != path})
    for program in facts.programs:
        yield f"{program} is gone", replace(facts, programs=facts.programs - {program})


def _links(facts: HostFacts) -> Iterator[Harm]:
    for place, link in enumerate(facts.links):
        changed = {
            "gone": None,
            "with MTU 1280": replace(link, mtu=1280),
            "down": replace(link, up=False),
            "in nothing": replace(link, master=None),
            "in another bridge": replace(link, master="br-other"),
            "with another MAC address": replace(link, mac="02:00:00:00:00:99"),
            "without address": replace(link, addresses=()),
            "without IPv6 address": replace(link, addresses6=()),
            "with a spanning tree": replace(link, stp=True),
        }
        for what, address in others_addresses().items():
            if isinstance(address, IPv4Interface):
                changed[f"with an address {what}"] = replace(link, addresses=(*link.addresses, address))
            else:
                changed[f"with an address {what}"] = replace(link, addresses6=(*link.addresses6, address))
        for how, each in changed.items():
            if each != link:
                links = [*facts.links[:place], *([each] if each else []), *facts.links[place + 1 :]]
                yield f"{link.name} is {how}", replace(facts, links=tuple(links))


def _ovs(facts: HostFacts) -> Iterator[Harm]:
    yield "Open vSwitch does not answer", replace(facts, ovs=None)
    bridges = facts.ovs or ()
    for place, bridge in enumerate(bridges):
        changed = {
            "gone": None,
            "with another fail_mode": replace(bridge, fail_mode="standalone"),
            "with rstp otherwise": replace(bridge, rstp=not bridge.rstp),
            "with stp": replace(bridge, stp=True),
            "without settings of its own": replace(bridge, other_config={}),
            "of another datapath": replace(bridge, datapath_type="dummy"),
        }
        for number, port in enumerate(bridge.interfaces):
            for how, other in _ports(port).items():
                ports = [*bridge.interfaces[:number], *([other] if other else []), *bridge.interfaces[number + 1 :]]
                changed[f"with {port.name} {how}"] = replace(bridge, interfaces=tuple(ports))
        for how, each in changed.items():
            if each != bridge:
                yield (
                    f"{bridge.name} is {how}",
                    replace(facts, ovs=(*bridges[:place], *([each] if each else []), *bridges[place + 1 :])),
                )


def _ports(port: OvsInterface) -> dict[str, OvsInterface | None]:
    return {
        "gone": None,
        "of another type": replace(port, type="vxlan"),
        "leading elsewhere": replace(port, options={**port.options, "remote_ip": "192.0.2.99"}),
        "with a key": replace(port, options={**port.options, "key": "77"}),
        "without BFD": replace(port, bfd={**port.bfd, "enable": "false"}),
        "slower": replace(port, bfd={**port.bfd, "min_rx": "999"}),
        "with another MTU": replace(port, mtu_request=1280),
        "without marks": replace(port, external_ids={}),
        "that cannot be made": replace(port, error="could not add network device (File exists)"),
    }


def _docker(facts: HostFacts) -> Iterator[Harm]:
    docker = facts.docker
    assert docker is not None
    yield "Docker does not run", replace(facts, docker=None)
    other: dict[str, Any] = {
        "prefix": IPv4Network("10.1.0.0/16"),
        "gateway": "10.1.0.1",
        "pool": IPv4Network("10.1.1.0/24"),
        "mtu": 1280,
        "experimental": False,
    }
    for key, value in other.items():
        yield f"Docker has another {key}", replace(facts, docker=replace(docker, **{key: value}))
    for place, network in enumerate(docker.networks):
        for how, each in _networks(network).items():
            networks = (*docker.networks[:place], *([each] if each else []), *docker.networks[place + 1 :])
            yield f"Docker's network {network.name} is {how}", replace(facts, docker=replace(docker, networks=networks))
    for what, address in others_addresses().items():
        if address.version == 6:
            continue
        container = Container("c", "web", str(address.ip), (Place("bridge", str(address.ip), "02:42:00:00:00:77"),))
        yield f"a container has an address {what}", replace(facts, docker=replace(docker, containers=(container,)))


def _networks(network: DockerNetwork) -> dict[str, DockerNetwork | None]:
    return {
        "gone": None,
        "with another pool": replace(network, pool=IPv4Network("10.1.1.0/24")),
        "with another pool6": replace(network, pool6=None),
        "with another MTU": replace(network, mtu=1280),
        "internal": replace(network, internal=True),
    }


@pytest.mark.exhaustive
@pytest.mark.parametrize("forwarding", MESHES)
def test_what_apply_is_said_to_set_right_it_sees(forwarding: Forwarding) -> None:
    mesh, world = MESHES[forwarding], well(forwarding)
    plan, config = build(mesh), configs(mesh)[HARMED]
    assert diff(config, world[HARMED].facts).steps == ()
    broken, promised = [], 0
    for harm, facts in harms(world[HARMED].facts):
        heard = {**world, HARMED: replace(world[HARMED], facts=facts)}
        known = {name: ProbedHost(each.facts, Seen(Fate.PASSES)) for name, each in heard.items()}
        said = {cause.do: cause.hosts for cause in look(plan, MeshEvidence(known, {}), ())}
        said |= {finding.do: finding.hosts for finding in judge(plan, heard, {}, worlds.NOW).findings}
        promises = [do for do, hosts in said.items() if PROMISE in do and HARMED in hosts]
        promised += bool(promises)
        if promises and not _sees(config, facts):
            broken.append(f"{harm}: {'; '.join(promises)}")

    assert broken == []
    assert promised > 100


def _sees(config: HostConfig, facts: HostFacts) -> bool:
    try:
        return bool(diff(config, facts).steps)
    except HostError:
        return False


def test_every_fact_of_a_host_is_harmed() -> None:
    """What a host says of itself grows; so must this."""
    facts = well(Forwarding.DIRECT)[HARMED].facts
    changed = {
        field.name
        for _, each in harms(facts)
        for field in fields(facts)
        if getattr(each, field.name) != getattr(facts, field.name)
    }
    untouched = {"name", "system", "kernel_datapath", "switch_version", "packages", "keys", "kernel_wireguard"}

    assert {field.name for field in fields(facts)} == changed | untouched
