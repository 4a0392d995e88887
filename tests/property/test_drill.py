"""Whatever faults are drawn, what is harmed is healed, and what is predicted is possible."""

import random
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from dockmesh.drill import drop
from dockmesh.drill.drop import Drop
from dockmesh.drill.faults import ABOUT, draw_many, parse
from dockmesh.drill.judge import judge
from dockmesh.drill.predict import hold_ms, predict
from dockmesh.drill.types import FaultKind, PairState
from dockmesh.model.mesh import Mesh
from dockmesh.plan.build import build
from dockmesh.plan.graph import depths, neighbours
from dockmesh.verify.types import Verdict
from tests.support.meshes import meshes
from tests.unit.drill.test_drop import hosts
from tests.unit.drill.worlds import evidence

HARMLESS = [kind for kind, about in ABOUT.items() if about.harmless]


@given(mesh=meshes(), seed=st.integers(0, 1000), in_bridge=st.booleans(), twice=st.booleans())
def test_hosts_are_as_before_after_any_sequence_of_faults(mesh: Mesh, seed: int, in_bridge: bool, twice: bool) -> None:
    plan, bridge = build(mesh), "br-phy" if in_bridge else None
    world = hosts(plan)

    for fault in draw_many(plan, HARMLESS, seed, 4):
        deaf = drop.deaf(plan, fault)
        for name, peers in deaf.items():
            for request in drop.inject(plan, fault, Drop(plan.host(name), tuple(map(plan.host, peers)), bridge)):
                world[name].carry_out(request)
        assert {name for name, host in world.items() if host.tables or host.flows} == set(deaf)
        for name in [*deaf, *deaf] if twice else deaf:
            world[name].carry_out(drop.heal(bridge))

        assert not any(host.tables or host.flows for host in world.values())


@given(mesh=meshes(), seed=st.integers(0, 1000))
def test_drawn_faults_are_read_as_they_are_written(mesh: Mesh, seed: int) -> None:
    plan = build(mesh)

    for fault in draw_many(plan, list(FaultKind), seed, 6):
        assert parse(str(fault), plan, random.Random(seed)) == fault  # noqa: S311


@given(mesh=meshes(), seed=st.integers(0, 1000))
def test_nobody_is_predicted_to_be_connected_without_a_way(mesh: Mesh, seed: int) -> None:
    plan = build(mesh)
    names = [host.name for host in plan.hosts]

    for fault in draw_many(plan, [FaultKind.CUT, FaultKind.PARTITION, FaultKind.CRASH], seed, 4):
        named = set(fault.hosts)
        dead = named if fault.kind is FaultKind.CRASH else set()
        links = [
            link
            for link in plan.links
            if not {link.a, link.b} & dead
            and not (fault.kind is FaultKind.CUT and {link.a, link.b} == named)
            and not (fault.kind is FaultKind.PARTITION and len({link.a, link.b} & named) == 1)
        ]
        peers = neighbours(names, links)
        expected = predict(plan, fault)
        for a, b in permutations(names, 2):
            if expected[a, b].state is PairState.CONNECTED:
                assert b in depths(peers, a)
            if expected[a, b].state is PairState.APART and fault.kind is not FaultKind.CRASH and plan.tree is not None:
                assert b not in depths(peers, a)
        assert all(
            each.during.ms <= hold_ms(expected) for each in expected.values() if each.state is PairState.CONNECTED
        )


@given(mesh=meshes(most=4), seed=st.integers(0, 1000))
def test_a_mesh_without_a_gap_never_fails_where_all_stay_connected(mesh: Mesh, seed: int) -> None:
    plan = build(mesh)

    for fault in draw_many(plan, [FaultKind.CUT, FaultKind.DOCKER, FaultKind.SWITCH], seed, 2):
        expected = predict(plan, fault)
        if all(each.state is PairState.CONNECTED for each in expected.values()):
            assert judge(fault, expected, evidence(plan, {})).verdict is Verdict.PASS
