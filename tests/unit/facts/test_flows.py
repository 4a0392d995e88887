"""Flows and groups as Open vSwitch 3.5.0 writes them."""

from dockmesh.agent.flow_guard import read_groups
from dockmesh.facts.flows import questions, read
from dockmesh.facts.types import FlowState
from dockmesh.transport.requests import Answer

BUNDLE = """\
group add_or_mod group_id=1,type=indirect,bucket=actions=drop
group add_or_mod group_id=7,type=ff,bucket=watch_port=2,actions=output:2,bucket=watch_group=1,actions=in_port
flow add cookie=0x100,table=0,actions=drop
"""
GROUPS = """\
OFPST_GROUP_DESC reply (OF1.5) (xid=0x2):
 group_id=1,type=indirect,bucket=bucket_id:0,actions=drop
 group_id=7,type=ff,bucket=bucket_id:0,watch_port:2,actions=output:2,bucket=bucket_id:1,watch_group:1,actions=IN_PORT
"""
SAME = Answer(0)


def test_the_switch_compares_the_flows_that_the_bundle_adds() -> None:
    flows, groups = questions(BUNDLE)

    assert flows.stdin == "cookie=0x100,table=0,actions=drop\n"
    assert "dump-groups" in groups.argv


def test_both_write_the_same_groups() -> None:
    assert read_groups(BUNDLE) == read_groups(GROUPS)


def test_nothing_differs() -> None:
    assert read(BUNDLE, SAME, Answer(0, GROUPS)) == FlowState()


def test_flows_that_are_missing_and_too_many() -> None:
    differs = Answer(2, "-priority=7 actions=drop\n+cookie=0x100 table=0, actions=drop\n")

    state = read(BUNDLE, differs, Answer(0, GROUPS))

    assert state == FlowState(missing=("cookie=0x100 table=0, actions=drop",), extra=("priority=7 actions=drop",))


def test_groups_that_are_missing_and_changed() -> None:
    lines = GROUPS.replace("output:2", "output:3").splitlines()

    assert read(BUNDLE, SAME, Answer(0, "\n".join(lines))) == FlowState(groups_changed=(7,))
    assert read(BUNDLE, SAME, Answer(0, lines[0])) == FlowState(groups_missing=(1, 7))


def test_a_group_that_an_earlier_bundle_left_is_no_difference() -> None:
    left = GROUPS + " group_id=9,type=indirect,bucket=bucket_id:0,actions=drop\n"

    assert read(BUNDLE, SAME, Answer(0, left)) == FlowState()


def test_a_bridge_that_does_not_say_is_not_known() -> None:
    assert read(BUNDLE, Answer(1, err="no such bridge"), Answer(0, GROUPS)) is None
    assert read(BUNDLE, SAME, Answer(1)) is None
