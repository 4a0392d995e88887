from ipaddress import IPv4Address

import pytest

from dockmesh.measure.plan import AT_ONCE, lasts_s, life_s, orders, steps, told
from dockmesh.measure.types import Figure, Pace, Pair, Step
from dockmesh.plan.build import build
from tests.support.meshes import mesh_of

HOSTS = ("host1", "host2", "host3")
PLANNED = {host.name: host for host in build(mesh_of(3)).hosts}


def test_every_figure_is_taken_and_pairs_are_measured_one_after_another() -> None:
    found = steps(HOSTS, Pace())

    assert [step.figure for step in found] == [
        Figure.LATENCY,
        *[Figure.GOODPUT] * 6,
        Figure.ALL_PAIRS,
        *[Figure.PACKETS] * 6,
    ]
    assert [len(step.pairs) for step in found] == [6, *[1] * 6, 6, *[1] * 6]


def test_of_many_pairs_so_many_are_chosen_that_hosts_have_equal_parts() -> None:
    names = [f"h{number}" for number in range(50)]

    found = [step.pairs[0] for step in steps(names, Pace(pairs=100)) if step.figure is Figure.GOODPUT]

    assert len(found) == len(set(found)) == 100
    assert {sum(pair.source == name for pair in found) for name in names} == {2}
    assert {sum(pair.target == name for pair in found) for name in names} == {2}


def test_load_and_time_of_a_large_mesh_have_an_end() -> None:
    names = [f"h{number}" for number in range(200)]
    chosen = steps(names, Pace())
    (at_once,) = [step for step in chosen if step.figure is Figure.ALL_PAIRS]

    assert lasts_s(chosen, Pace()) < 90
    assert {sum(pair.source == name for pair in at_once.pairs) for name in names} == {AT_ONCE}


def test_only_what_is_wanted_is_measured() -> None:
    assert {step.figure for step in steps(HOSTS, Pace(figures=(Figure.PACKETS,)))} == {Figure.PACKETS}


def test_two_hosts_have_a_part_in_the_measurement_of_one_pair() -> None:
    step = Step(Figure.GOODPUT, (Pair("host1", "host3"),))

    found = orders(step, PLANNED, Pace(seconds=3, limit_mbit=100), "t" * 32, 20_001)

    assert set(found) == {"host1", "host3"}
    assert found["host1"]["targets"] == [{"name": "host3", "address": "172.17.42.3", "port": 20_001, "place": 0}]
    assert (found["host1"]["expect"], found["host3"]["expect"]) == ([], ["host1"])
    assert found["host1"]["rate"] == 100_000_000
    assert found["host1"]["life_s"] == life_s(Pace(seconds=3))


def test_streams_of_one_host_share_its_limit() -> None:
    (step,) = steps(HOSTS, Pace(figures=(Figure.ALL_PAIRS,)))

    found = orders(step, PLANNED, Pace(limit_mbit=300), "t" * 32, 20_001)

    assert {order["rate"] for order in found.values()} == {150_000_000}
    assert found["host2"]["expect"] == ["host1", "host3"]
    assert [target["place"] for target in found["host2"]["targets"]] == [0, 1]
    assert {IPv4Address(order["address"]) for order in found.values()} == {host.address.ip for host in PLANNED.values()}


@pytest.mark.parametrize(
    ("count", "said"), [(3, "6 pairs one after another"), (20, "12 of 380 pairs one after another")]
)
def test_what_will_be_sent_is_said(count: int, said: str) -> None:
    names = [f"h{number}" for number in range(count)]

    lines = dict(told(names, steps(names, Pace()), Pace()))

    assert lines["goodput"] == f"{said}, at most 500 Mbit/s"
    assert lines["packets"] == f"{said}, at most 20,000 datagrams a second"
    assert list(lines) == list(map(str, Figure))
