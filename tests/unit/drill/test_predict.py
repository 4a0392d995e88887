from itertools import permutations

import pytest

from dockmesh.drill.predict import hold_ms, predict, watch_ms
from dockmesh.drill.types import Fault, FaultKind, PairState
from dockmesh.model.mesh import Forwarding, Links, Ring, Star
from tests.unit.drill.worlds import plan_of


def test_a_cut_link_of_the_tree_costs_its_ends_what_the_plan_says_of_healing() -> None:
    expected = predict(plan_of(), Fault(FaultKind.CUT, ("host1", "host2")))

    pair = expected["host1", "host2"]
    assert pair.state is PairState.CONNECTED
    assert [(term.name, term.most) for term in pair.during.terms] == [
        ("BFD: 3 × 100 ms without a packet", 300),
        ("spanning tree: another link takes over", 200),
        ("a ping every 10 ms", 10),
    ]
    assert pair.why == "direct, then via host3"


def test_a_cut_link_of_the_tree_may_hold_up_those_whose_way_stays() -> None:
    expected = predict(plan_of(), Fault(FaultKind.CUT, ("host1", "host2")))

    assert expected["host1", "host3"].during.ms == 210
    assert expected["host1", "host3"].why == "their path stays direct"


def test_a_cut_link_outside_of_the_tree_costs_nobody_anything() -> None:
    expected = predict(plan_of(), Fault(FaultKind.CUT, ("host2", "host3")))

    assert {each.during.ms for each in expected.values()} == {10}
    assert {each.after.ms for each in expected.values()} == {10}


def test_with_classic_stp_a_cut_costs_its_timers() -> None:
    expected = predict(plan_of(forwarding=Forwarding.STP), Fault(FaultKind.CUT, ("host1", "host2")))

    assert expected["host1", "host2"].during.ms == 20_000 + 15_000 + 15_000 + 10
    assert expected["host1", "host3"].during.ms == 10


def test_a_link_that_is_the_only_way_parts_two_sides() -> None:
    chain = plan_of(3, Links((("host1", "host2"), ("host2", "host3"))))

    expected = predict(chain, Fault(FaultKind.CUT, ("host2", "host3")))

    apart = {pair for pair, each in expected.items() if each.state is PairState.APART}
    assert apart == {pair for pair in permutations(["host1", "host2", "host3"], 2) if "host3" in pair}


def test_a_partition_parts_the_sides_and_nobody_within_one() -> None:
    expected = predict(plan_of(4), Fault(FaultKind.PARTITION, ("host3", "host4")))

    for (a, b), each in expected.items():
        within = (a in ("host3", "host4")) == (b in ("host3", "host4"))
        assert each.state is (PairState.CONNECTED if within else PairState.APART)


def test_of_a_dead_host_only_the_others_can_tell() -> None:
    expected = predict(plan_of(), Fault(FaultKind.CRASH, ("host2",)))

    assert expected["host1", "host2"].state is PairState.APART
    assert expected["host2", "host1"].state is PairState.OPEN
    assert expected["host1", "host3"].state is PairState.CONNECTED


def test_a_dead_hub_parts_everybody() -> None:
    expected = predict(plan_of(3, Star("host1")), Fault(FaultKind.CRASH, ("host1",)))

    assert expected["host2", "host3"].state is PairState.APART


def test_when_all_hosts_die_nothing_is_promised_but_that_they_come_back() -> None:
    expected = predict(plan_of(), Fault(FaultKind.CRASH, ("host1", "host2", "host3")))

    assert {each.state for each in expected.values()} == {PairState.OPEN}
    assert {each.after.ms for each in expected.values()} == {2_000 + 2_000 + 200 + 1_000 + 10}


def test_hosts_do_without_docker() -> None:
    expected = predict(plan_of(), Fault(FaultKind.DOCKER, ("host1", "host2", "host3")))

    assert {(each.state, each.during.ms) for each in expected.values()} == {(PairState.CONNECTED, 10)}


def test_a_killed_switch_is_predicted_longest_for_its_own_host() -> None:
    expected = predict(plan_of(), Fault(FaultKind.SWITCH, ("host1",)))

    assert expected["host1", "host2"].during.ms > expected["host2", "host3"].during.ms > 510


def test_a_lossy_link_may_be_given_up_and_taken_again() -> None:
    expected = predict(plan_of(), Fault(FaultKind.LOSSY, ("host1", "host2"), 5))

    outage = expected["host1", "host2"].during
    assert [term.most for term in outage.terms] == [300, 200, 2_000, 200, 60, 10]
    assert outage.terms[4].name == "up to 6 pings lost in a row by chance"


def test_a_link_that_loses_half_of_all_is_not_predicted() -> None:
    expected = predict(plan_of(), Fault(FaultKind.LOSSY, ("host1", "host2"), 50))

    assert expected["host1", "host2"].state is PairState.OPEN
    assert expected["host1", "host3"].state is PairState.CONNECTED


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind not in (FaultKind.LOSSY, FaultKind.SLOW)])
def test_a_fault_lasts_longer_than_each_gap_that_is_allowed(kind: FaultKind) -> None:
    plan = plan_of(5, Ring())
    fault = Fault(kind, ("host1", "host2"))
    expected = predict(plan, fault)

    assert all(each.during.ms <= hold_ms(expected) for each in expected.values() if each.state is PairState.CONNECTED)
    assert all(each.after.ms <= watch_ms(plan, expected) for each in expected.values())


def test_with_direct_a_cut_touches_its_two_ends_only() -> None:
    expected = predict(plan_of(4, forwarding=Forwarding.DIRECT), Fault(FaultKind.CUT, ("host1", "host2")))

    assert {pair for pair, each in expected.items() if each.during.ms > 10} == {("host1", "host2"), ("host2", "host1")}
    assert expected["host1", "host2"].during.ms == 300 + 100 + 10
    assert {each.after.ms for each in expected.values()} == {10}


def test_with_direct_a_crash_in_a_full_mesh_costs_the_others_nothing() -> None:
    expected = predict(plan_of(4, forwarding=Forwarding.DIRECT), Fault(FaultKind.CRASH, ("host1",)))

    assert {each.during.ms for each in expected.values() if each.state is PairState.CONNECTED} == {10}


def test_with_direct_a_ring_is_gone_round_the_other_way() -> None:
    ring = plan_of(4, Ring(), Forwarding.DIRECT)

    expected = predict(ring, Fault(FaultKind.CUT, ("host1", "host2")))

    assert expected["host1", "host2"].why.startswith("direct, then via")
    assert all(each.state is PairState.CONNECTED for each in expected.values())
