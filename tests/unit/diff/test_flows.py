"""Flows and groups of `direct` as part of a host."""

from dataclasses import replace

from dockmesh.diff.adopt import adopt
from dockmesh.diff.flows import INSTALL, said
from dockmesh.diff.host import diff
from dockmesh.diff.origin import explain
from dockmesh.diff.types import HostDiff, Origin, StepName
from dockmesh.facts.types import FlowState
from dockmesh.model.mesh import Fabric, Forwarding, Renderer
from dockmesh.plan.build import build
from dockmesh.render import names, ports
from dockmesh.render.host import flows_of, render
from dockmesh.render.paths import DATABASE_DROP_IN, FLOWS, FLOWS_UNIT, GUARD, SWITCH_DROP_IN, UNIT
from tests.support.fake_host import FakeHost, applied
from tests.support.meshes import TREE, mesh_of
from tests.support.plans import config_of

DIRECT = Fabric(forwarding=Forwarding.DIRECT)
CONFIG = config_of(mesh_of(3, fabric=DIRECT))


def of(host: FakeHost, fabric: Fabric = DIRECT, hosts: int = 3) -> HostDiff:
    plan = build(mesh_of(hosts, fabric=fabric))
    facts = host.facts(flows_of(plan, plan.host("host1")))
    config = render(plan, adopt(plan.host("host1"), facts))
    return explain(plan, config, facts, diff(config, facts))


def lines(found: HostDiff) -> list[str]:
    return [f"{change.text()} ({change.why()})" for change in found.differences]


def test_what_differs_is_said_in_words() -> None:
    state = FlowState(missing=("a", "b", "c"), extra=("d",), groups_missing=(1,), groups_changed=(2, 3))

    assert said(state) == "3 flows missing, 1 flow too many, 1 group missing, 2 groups changed"
    assert said(FlowState()) == ""


def test_lost_flows_are_drift_and_nothing_else_is_touched() -> None:
    host = applied(CONFIG)
    host.flows.flows = set(sorted(host.flows.flows)[3:])

    found = of(host)

    assert lines(found) == ["br0 flows: 3 flows missing → as planned (drift: changed by hand)"]
    assert [step.requests for step in found.steps] == [(INSTALL,)]


def test_a_group_changed_by_hand_is_drift() -> None:
    host = applied(CONFIG)
    number, text = next((number, text) for number, text in host.flows.groups.items() if "output:" in text)
    host.flows.groups[number] = text.replace("output:", "output:1", 1)

    assert lines(of(host)) == ["br0 flows: 1 group changed → as planned (drift: changed by hand)"]


def test_flows_come_right_after_the_bridge_and_follow_from_it() -> None:
    host = applied(config_of(mesh_of(3, fabric=TREE)))

    found = of(host)

    step = found.step(StepName.FABRIC)
    assert step is not None
    assert step.requests[-1] == INSTALL
    assert "br0 flows" not in [str(change.subject) for change in found.differences]
    assert "bridge br0: rstp, system datapath → direct, system datapath" in [each.text() for each in found.differences]


def test_a_host_more_changes_the_flows_and_the_file_says_why() -> None:
    found = of(applied(CONFIG), hosts=4)

    assert any(str(change.subject) == FLOWS for change in found.differences)
    assert "br0 flows" in [str(change.subject) for change in found.changes]
    assert "br0 flows" not in [str(change.subject) for change in found.differences]


def test_while_the_file_is_another_flows_are_not_counted() -> None:
    (change,) = (each for each in of(applied(CONFIG), hosts=4).changes if str(each.subject) == "br0 flows")

    assert change.text() == "br0 flows: of the plan before → as planned"


def test_a_change_of_the_way_of_forwarding_comes_from_the_file_alone() -> None:
    (change,) = (
        each for each in of(applied(config_of(mesh_of(3, fabric=TREE)))).changes if str(each.subject) == "bridge br0"
    )

    assert change.origin is Origin.FILE


def test_another_program_of_the_guard_is_started_anew() -> None:
    host = applied(CONFIG)
    text, mode = host.files[GUARD]
    host.files[GUARD] = (text + "# of an earlier dockmesh\n", mode)

    step = of(host).step(StepName.FILES)

    assert step is not None
    assert [str(request) for request in step.requests][-1] == f"systemctl try-restart {FLOWS_UNIT}"


def test_a_bridge_that_does_not_tell_its_flows_gets_them() -> None:
    facts = replace(applied(CONFIG).facts(CONFIG.flows), flows=None)

    assert [change.text() for change in diff(CONFIG, facts).changes] == ["br0 flows: could not be read → as planned"]


def test_by_ifupdown_no_unit_makes_the_bridges() -> None:
    config = config_of(mesh_of(3, fabric=Fabric(forwarding=Forwarding.DIRECT, renderer=Renderer.IFUPDOWN)))

    assert config.units == (FLOWS_UNIT, ports.UNIT, names.UNIT)
    assert CONFIG.units == (UNIT, FLOWS_UNIT, ports.UNIT, names.UNIT)


def test_without_direct_what_holds_the_switch_up_goes_and_the_guard_gets_other_flows() -> None:
    host = applied(CONFIG)

    found = of(host, TREE)

    step = found.step(StepName.FILES)
    assert step is not None
    requests = [str(request) for request in step.requests]
    assert f"remove {SWITCH_DROP_IN}" in requests
    assert f"remove {DATABASE_DROP_IN}" in requests
    assert f"write {FLOWS}" in requests
    assert not any(FLOWS_UNIT in request for request in requests)
