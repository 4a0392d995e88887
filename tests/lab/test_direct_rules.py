"""That the walker of the unit tests tells the truth: Open vSwitch traces the same frames, links and views."""

from collections.abc import Iterator, Mapping
from ipaddress import IPv6Network
from itertools import combinations, permutations
from random import Random

import pytest

from dockmesh.model.mesh import Degree, Fabric, Forwarding, FullMesh, Links, Ring, Topology
from dockmesh.plan.build import build
from dockmesh.plan.types import HostNetwork
from tests.lab.bridges import Bridges, Sent
from tests.lab.conftest import MakeMesh
from tests.lab.mesh import Mesh as LabMesh
from tests.support.meshes import mesh_of, with_network
from tests.support.openflow import Frame, frame_of
from tests.support.walker import FlowMesh, container, ipv6, is_at, mac, ping, to_all, walk, who_has, with_ipv6

TRIANGLES = ((1, 2), (2, 3), (3, 1), (3, 4), (4, 5), (5, 3))
MESHES: Mapping[str, tuple[int, Topology]] = {
    "full mesh of four": (4, FullMesh()),
    "ring of five": (5, Ring()),
    "two triangles that one host joins": (5, Links(tuple((f"host{a}", f"host{b}") for a, b in TRIANGLES))),
    "nine of degree three": (9, Degree(3)),
}
SETS = 12  # of dead links, each


@pytest.fixture(scope="module")
def lab(make_mesh: MakeMesh) -> LabMesh:
    return make_mesh("--prepared", hosts=1)


# One of them is in `make test`: blocks that one host joins.
PARAMS = [pytest.param(name, marks=[] if name.startswith("two") else [pytest.mark.long]) for name in MESHES]


@pytest.fixture(params=PARAMS)
def world(lab: LabMesh, request: pytest.FixtureRequest) -> Iterator[tuple[FlowMesh, Bridges]]:
    count, topology = MESHES[request.param]
    mesh = with_network(mesh_of(count, fabric=Fabric(forwarding=Forwarding.DIRECT, topology=topology)))
    mesh = with_network(mesh, "green", "10.81.0.0/16", vlan=30, hosts=("host1", "host3", "host4"))
    plan = with_ipv6(build(mesh))
    bridges = Bridges(lab, "host1", plan)
    yield FlowMesh(plan), bridges
    bridges.remove()


def frames_of(mesh: FlowMesh, random: Random) -> list[Sent]:
    """Of every kind one in each network, pings between twenty pairs, and some from a network to another."""
    found: list[Sent] = []
    for network in mesh.plan.networks:
        allocations = mesh.plan.allocations(network.name)
        pairs = list(permutations(allocations, 2))
        found += [
            (a.name, network.name, ping(container(here), container(there)))
            for (a, here), (_, there) in random.sample(pairs, min(20, len(pairs)))
        ]
        (one, here), (_, there) = random.choice(pairs)
        found += [(one.name, network.name, frame) for frame in _kinds(here, there)]
        strangers = [
            each for name in mesh.plan.networks if name is not network for each in mesh.plan.allocations(name.name)
        ]
        _, strange = random.choice(strangers)
        found += [
            (one.name, network.name, frame)
            for frame in (
                ping(container(here), container(strange)),
                ping(container(strange), container(there)),
                who_has(container(here), container(strange)),
            )
        ]
    return found


def _kinds(one: HostNetwork, other: HostNetwork) -> Iterator[Frame]:
    here, there = one.prefixes[-1], other.prefixes[-1]
    yield who_has(container(one), container(other))
    yield who_has(container(one), container(one))
    yield is_at(container(one), container(other))
    yield to_all(container(one))
    yield to_all(container(one), "224.0.0.251")
    yield ipv6("fe80::42:1", "fe80::42:2")
    yield ipv6("fe80::42:1", "ff02::fb")
    if isinstance(here, IPv6Network):
        yield ipv6(str(here[7]), str(there[7]))
        yield ipv6("fe80::42:1", str(there[7]))
        yield ipv6(str(here[7]), "ff02::1:ff00:7", nw_proto=58, icmp_type=135, nd_target=int(there[7]))
    # Dropped: spoofed in address and in MAC address, with a tag, to nobody, and one of our own.
    yield ping(container(other), container(one))
    yield frame_of(**{**dict(ping(container(one), container(other))), "eth_src": mac(container(other))})
    yield ping(container(one), container(one) - 77 - 1)
    yield ping(container(one), container(one) + 1)


def network_of(mesh: FlowMesh, host: str, got: Frame) -> str:
    """By whose port it comes out."""
    port = dict(got).get("out_port")
    return next(allocation.name for allocation in mesh.plan.host(host).networks if allocation.port == port)


def test_open_vswitch_does_with_every_frame_what_the_walker_says(world: tuple[FlowMesh, Bridges]) -> None:
    mesh, bridges = world
    random = Random(4)  # noqa: S311 — the same in every run
    links = list(mesh.bits.values())
    some = [sum(each) for count in range(len(links) + 1) for each in combinations(links, count)]
    for number, dead in enumerate([0, *random.sample(some, SETS)]):
        # Each second time some hosts have seen nothing of it yet, or what is not so.
        seen = {host.name: random.choice(some) for host in random.sample(mesh.plan.hosts, 2)} if number % 2 else {}
        frames = frames_of(mesh, random)

        traced = bridges.traced(dead, seen, mesh.bits, frames)

        for (host, network, frame), arrived in zip(frames, traced, strict=True):
            allocation = mesh.plan.host(host).on(network)
            assert allocation is not None
            expected = [
                (name, network_of(mesh, name, got), dict(got)["eth_src"], dict(got)["eth_dst"])
                for name, got in walk(mesh.sent(host, frame, allocation.port), dead, seen)[0]
            ]
            assert arrived == sorted(expected), (host, network, frame, bin(dead), seen)
