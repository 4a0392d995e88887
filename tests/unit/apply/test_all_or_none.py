"""A change of the way of forwarding, or of flows: on all hosts in one run, or on none."""

import asyncio

import pytest

from dockmesh.agent.flow_guard import flows_of
from dockmesh.apply import run as apply_run
from dockmesh.apply.all_or_none import AllOrNone
from dockmesh.apply.inspection import inspect_all, lock_all
from dockmesh.apply.reassigned import reassigned
from dockmesh.apply.run import apply
from dockmesh.diff.outcome import Outcome
from dockmesh.diff.quiesce import without_changing
from dockmesh.errors import ConnectError, DockmeshError
from dockmesh.inspect.host import Inspection
from dockmesh.model.mesh import Fabric, Forwarding, Mesh, Ring
from dockmesh.plan.build import build
from dockmesh.record import run as record
from dockmesh.render.paths import FLOWS
from dockmesh.transport.requests import Answer, Exec, Put, Request
from dockmesh.undo.session import Session
from tests.support.fake_host import FakeHost, applied
from tests.support.meshes import mesh_of
from tests.support.plans import configs

RUN = record.Run("20260102T030405Z-abcd", "ann", "desk", "2026-01-02T03:04:05Z", "apply")
RSTP, STP, DIRECT = (mesh_of(3, fabric=Fabric(forwarding=each)) for each in Forwarding)
RING = mesh_of(4, fabric=Fabric(forwarding=Forwarding.DIRECT, topology=Ring()))
FULL = mesh_of(4, fabric=Fabric(forwarding=Forwarding.DIRECT))


class Silence:
    def step(self, host: str, text: str) -> None:
        pass

    done = failed = step


def made(mesh: Mesh) -> dict[str, FakeHost]:
    return {name: applied(config) for name, config in configs(mesh).items()}


def run(hosts: dict[str, FakeHost], mesh: Mesh) -> dict[str, Outcome]:
    async def all_of_it() -> tuple[Outcome, ...]:
        plan = build(mesh)
        inspections = {**await inspect_all(plan, hosts), **await lock_all(hosts, RUN, Silence())}
        session = Session(RUN, stay_out=reassigned(plan, inspections))
        outcomes = await apply(plan, hosts, AllOrNone(plan, inspections), session, Silence())
        await session.confirm(hosts, {})
        return outcomes

    return {outcome.host: outcome for outcome in asyncio.run(all_of_it())}


def errors(outcomes: dict[str, Outcome]) -> list[str]:
    return [outcome.error.report.what for outcome in outcomes.values() if outcome.error]


def is_tunnels(request: Request) -> bool:
    return isinstance(request, Exec) and request.argv[0] == "ovs-vsctl" and "add-port" in request.argv


def is_let_go(request: Request) -> bool:
    return isinstance(request, Exec) and "del-port" in request.argv and "add-br" not in request.argv


@pytest.mark.parametrize(("old", "new"), [(RSTP, DIRECT), (DIRECT, RSTP)])
def test_no_host_makes_new_tunnels_before_all_have_let_go_of_the_old(old: Mesh, new: Mesh) -> None:
    hosts = made(old)
    order: list[str] = []

    def note(name: str) -> None:
        def look(request: Request) -> None:
            if is_let_go(request):
                order.append("let go")
            if is_tunnels(request):
                order.append("made")

        hosts[name].fails = look

    for name in hosts:
        note(name)

    outcomes = run(hosts, new)

    assert errors(outcomes) == []
    assert order == ["let go"] * 3 + ["made"] * 3
    assert all(
        isinstance(inspection, Inspection) and not inspection.diff.steps
        for inspection in inspections_of(hosts, new).values()
    )


def inspections_of(hosts: dict[str, FakeHost], mesh: Mesh) -> dict[str, Inspection | DockmeshError]:
    return dict(asyncio.run(inspect_all(build(mesh), hosts)))


def test_no_host_gets_new_flows_before_all_have_let_go_of_those_that_change() -> None:
    hosts = made(RING)
    wanted = {name: config.flows for name, config in configs(FULL).items()}
    order: list[str] = []

    def note(request: Request) -> None:
        if isinstance(request, Put) and request.path == FLOWS:
            order.append("new" if any(text and request.text.endswith(text) for text in wanted.values()) else "fewer")

    for host in hosts.values():
        host.fails = note

    outcomes = run(hosts, FULL)

    assert errors(outcomes) == []
    assert order == ["fewer"] * 4 + ["new"] * 4


def test_with_a_host_missing_nobody_changes() -> None:
    hosts = made(RSTP)
    hosts.pop("host3")

    outcomes = run(hosts, DIRECT)

    assert set(errors(outcomes)) == {"can change its forwarding only together with all hosts of the file"}
    assert not any(is_let_go(request) or is_tunnels(request) for host in hosts.values() for request in host.asked)


def test_a_host_that_is_lost_later_keeps_the_others_as_well() -> None:
    hosts = made(RING)
    found = AllOrNone(build(FULL), inspections_of(hosts, FULL))
    assert all(isinstance(inspection, Inspection) for inspection in found.values())

    found = found.updated({"host2": ConnectError("no SSH connection", host="host2")})

    assert not any(isinstance(inspection, Inspection) for inspection in found.values())


def test_with_a_host_that_could_not_be_read_nobody_gets_other_flows() -> None:
    hosts = made(RING)
    inspections = inspections_of(hosts, FULL)
    inspections["host2"] = ConnectError("no SSH connection", host="host2")

    refused = AllOrNone(build(FULL), inspections)

    assert {name for name, inspection in refused.items() if not isinstance(inspection, Inspection)} == {
        "host1",
        "host2",
        "host3",
        "host4",
    }
    error = refused["host1"]
    assert isinstance(error, DockmeshError)
    assert error.report.answered == "not in this run: host2"


@pytest.mark.parametrize(("old", "new"), [(STP, DIRECT), (DIRECT, STP)])
def test_a_classic_tree_and_flows_are_never_exchanged_at_once(old: Mesh, new: Mesh) -> None:
    outcomes = run(made(old), new)

    assert len(errors(outcomes)) == 3
    assert all("cannot go between `stp` and `direct` at once" in each for each in errors(outcomes))


def test_between_two_spanning_trees_a_host_may_be_missing() -> None:
    hosts = made(RSTP)
    hosts.pop("host3")

    assert errors(run(hosts, STP)) == []


def test_what_changes_no_way_of_frames_needs_nobody_else() -> None:
    hosts = made(DIRECT)
    hosts.pop("host3")
    hosts["host1"].flows.flows.pop()

    outcomes = run(hosts, DIRECT)

    assert errors(outcomes) == []
    assert len(outcomes["host1"].changes) == 1


def test_a_host_that_fails_goes_back_and_the_others_wait_until_it_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    hosts = made(RSTP)
    before = hosts["host2"].state()
    hosts["host2"].fails = lambda request: Answer(1, err="no") if is_let_go(request) else None
    plan = build(DIRECT)
    monkeypatch.setattr(apply_run, "let_go", wait)

    outcomes = run(hosts, DIRECT)

    assert [name for name, outcome in outcomes.items() if outcome.error] == ["host2"]
    assert waited == [plan.fabric.bfd.interval_ms * plan.fabric.bfd.multiplier / 1000 + apply_run.LET_GO_S]
    assert hosts["host2"].state() == before


def test_a_host_that_goes_back_keeps_only_those_flows_that_may_meet_the_new_ones() -> None:
    hosts = made(RING)
    host = hosts["host2"]
    old = host.files[FLOWS][0]
    host.fails = lambda request: Answer(1, err="no") if is_tunnels(request) and "gre3" in str(request) else None

    outcomes = run(hosts, FULL)

    assert [name for name, outcome in outcomes.items() if outcome.error] == ["host2"]
    fewer = host.files[FLOWS][0]
    assert fewer == without_changing(configs(FULL)["host2"], made(RING)["host2"].facts())
    assert fewer != old
    assert host.flows.flows == set(flows_of(fewer).splitlines())
    host.fails = lambda _: None
    assert errors(run(hosts, FULL)) == []
    assert host.flows.flows == set(flows_of(configs(FULL)["host2"].flows or "").splitlines())
