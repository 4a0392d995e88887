"""What is wrong with the networks of one host: what diff finds, in the words of a cause."""

from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from dockmesh.facts.iptables import Fate, Seen
from dockmesh.facts.types import HostFacts
from dockmesh.plan.build import build
from dockmesh.plan.types import HostNetwork
from dockmesh.verify import host
from dockmesh.verify.evidence import ProbedHost
from dockmesh.verify.types import CauseKind, ProbeKind
from tests.support.fake_host import FakeHost, applied
from tests.support.meshes import mesh_of, with_network
from tests.support.plans import config_of

MESH = with_network(mesh_of(3))
PLAN, CONFIG = build(MESH), config_of(MESH)
HOST = PLAN.hosts[0]
EACH = pytest.mark.parametrize("network", HOST.networks, ids=lambda network: network.name)


def said(facts: HostFacts) -> list[str]:
    return [cause.seen for cause in host.problems(PLAN, HOST, ProbedHost(facts, Seen(Fate.PASSES)))]


def broken(network: HostNetwork, **harm: object) -> str:
    """All that is said of its Linux bridge, without what comes before that where the network is not docker0."""
    there = applied(CONFIG)
    for key, value in harm.items():
        device = network.switch if key.startswith("member_") else network.bridge
        setattr(there.devices[device], key.removeprefix("member_"), value)
    return "; ".join(said(facts_of(there))).removeprefix(f"network {network.name}: ")


def facts_of(there: FakeHost) -> HostFacts:
    return there.facts(CONFIG.flows)


def test_of_networks_as_planned_nothing_is_said() -> None:
    assert said(facts_of(applied(CONFIG))) == []


@EACH
def test_every_network_has_the_same_said_of_its_bridge(network: HostNetwork) -> None:
    bridge, switch = network.bridge, network.switch
    cut_off = f"{switch} is not in {bridge}: its containers are cut off from other hosts"

    assert broken(network, up=False) == f"{bridge} is down"
    assert broken(network, addresses=[]) == f"{bridge} has no address, planned is {network.address}"
    assert broken(network, mtu=1300) == f"{bridge} has MTU 1300, planned is {network.mtu}"
    assert broken(network, member_mtu=1300) == f"{switch} has MTU 1300, planned is {network.mtu}"
    assert broken(network, stp=True) == f"{bridge} has spanning tree on, planned is off"
    assert broken(network, member_master=None) == cut_off
    assert broken(network, member_master="br9") == f"{switch} is not in {bridge}, but in br9"
    assert broken(network, member_up=False) == f"{switch} is down"


@EACH
def test_without_its_bridge_nothing_else_is_said_of_it(network: HostNetwork) -> None:
    there = applied(CONFIG)
    del there.devices[network.bridge]
    there.devices[network.switch].master = None

    assert [text.removeprefix(f"network {network.name}: ") for text in said(facts_of(there))] == [
        f"there is no {network.bridge}"
    ]


def test_what_of_docker0_keeps_no_packet_from_passing_explains_no_lost_one() -> None:
    there = applied(CONFIG)
    there.devices["docker0"].mac = "02:00:00:00:00:09"

    (cause,) = host.problems(PLAN, HOST, ProbedHost(facts_of(there), Seen(Fate.PASSES)))

    assert (cause.fault, cause.explains) == (CauseKind.DOCKER_BRIDGE, frozenset({ProbeKind.BRIDGE}))


def test_a_network_that_docker_has_otherwise_is_said_with_what_is_planned() -> None:
    facts = facts_of(applied(CONFIG))
    assert facts.docker is not None
    (blue,) = facts.docker.networks
    other = replace(blue, pool=IPv4Network("10.80.0.0/18"))

    assert said(replace(facts, docker=replace(facts.docker, networks=(other,)))) == [
        "network blue: Docker has it with pool 10.80.0.0/18, planned is 10.80.64.0/18"
    ]
