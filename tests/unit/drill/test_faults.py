import random

import pytest

from dockmesh.drill.faults import ABOUT, checked, draw_many, parse, words
from dockmesh.drill.types import Fault, FaultKind
from dockmesh.errors import UsageError
from dockmesh.model.mesh import Forwarding, Ring
from tests.unit.drill.worlds import plan_of


def dice() -> random.Random:
    return random.Random(1)  # noqa: S311


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("cut:host1,host2", Fault(FaultKind.CUT, ("host1", "host2"))),
        ("one-way:host2,host1", Fault(FaultKind.ONE_WAY, ("host2", "host1"))),
        ("lossy:host1,host2,20%", Fault(FaultKind.LOSSY, ("host1", "host2"), 20)),
        ("lossy:host1,host2", Fault(FaultKind.LOSSY, ("host1", "host2"), 5)),
        ("slow:host1,host2,128kbit", Fault(FaultKind.SLOW, ("host1", "host2"), 128)),
        ("partition:host3", Fault(FaultKind.PARTITION, ("host3",))),
        ("crash:all", Fault(FaultKind.CRASH, ("host1", "host2", "host3"))),
        ("docker:host1,host3", Fault(FaultKind.DOCKER, ("host1", "host3"))),
    ],
)
def test_fault_is_read(text: str, fault: Fault) -> None:
    assert parse(text, plan_of(), dice()) == fault


@pytest.mark.parametrize("kind", FaultKind)
def test_fault_is_written_as_it_is_read(kind: FaultKind) -> None:
    fault = parse(str(kind), plan_of(), dice())

    assert parse(str(fault), plan_of(), dice()) == fault
    assert words(fault)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cutt:host1,host2", "there is no fault 'cutt'"),
        ("cut:host1,host9", "the mesh has no host host9"),
        ("cut:host1", "that is not a link of this mesh"),
        ("cut:host1,host3", "that is not a link of this mesh"),
        ("cut:host1,host1", "a host is named twice"),
        ("lossy:host1,host2,0%", "0% is no amount for lossy"),
        ("lossy:host1,host2,5kbit", "5kbit is no amount for lossy"),
        ("partition:host1,host2,host3,host4", "leaves nobody on the other side"),
        ("cut:all", "the mesh has no host all"),
    ],
)
def test_what_this_mesh_has_not_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse(text, plan_of(4, Ring()), dice())


def test_one_way_under_stp_is_refused_for_it_can_close_a_circle() -> None:
    with pytest.raises(UsageError, match="can close a circle"):
        checked(Fault(FaultKind.ONE_WAY, ("host1", "host2")), plan_of(forwarding=Forwarding.STP))


def test_the_same_seed_draws_the_same_faults() -> None:
    plan = plan_of(5)

    drawn = draw_many(plan, list(FaultKind), 7, 20)

    assert drawn == draw_many(plan, list(FaultKind), 7, 20)
    assert drawn != draw_many(plan, list(FaultKind), 8, 20)
    assert len({fault.kind for fault in drawn}) > 4


def test_only_what_touches_tunnels_alone_is_harmless() -> None:
    assert {kind for kind, about in ABOUT.items() if about.harmless} == {
        *(FaultKind.CUT, FaultKind.ONE_WAY, FaultKind.LOSSY, FaultKind.SLOW, FaultKind.PARTITION)
    }
