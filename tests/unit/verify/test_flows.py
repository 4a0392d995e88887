"""`verify` of a mesh without a spanning tree: its flows in the place of the tree."""

from dataclasses import replace

import pytest

from dockmesh.facts.iptables import Fate, Seen
from dockmesh.facts.types import FlowState, HostFacts
from dockmesh.model.mesh import Fabric, Forwarding
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.plan.build import build
from dockmesh.verify import flows
from dockmesh.verify.diagnose import look
from dockmesh.verify.evidence import MeshEvidence, ProbedHost
from dockmesh.verify.judge import judge
from dockmesh.verify.types import CauseKind, ProbeKind, Verdict
from tests.support.fake_host import applied
from tests.support.meshes import mesh_of
from tests.support.plans import configs
from tests.unit.status.worlds import alive

MESH = mesh_of(3, fabric=Fabric(forwarding=Forwarding.DIRECT))
PLAN = build(MESH)


def facts() -> dict[str, HostFacts]:
    return {name: alive(PLAN, applied(config).facts(config.flows)) for name, config in configs(MESH).items()}


def with_flows(state: FlowState | None) -> dict[str, HostFacts]:
    """The same, and host2 has these."""
    known = facts()
    return {**known, "host2": replace(known["host2"], flows=state)}


def evidence(known: dict[str, HostFacts], danger: tuple[str, ...] = ()) -> MeshEvidence:
    return MeshEvidence({name: ProbedHost(each, Seen(Fate.PASSES)) for name, each in known.items()}, {}, danger)


def verdicts(known: dict[str, HostFacts]) -> list[tuple[str, Verdict, str]]:
    probes = judge(PLAN, evidence(known))
    assert not [probe for probe in probes if probe.kind is ProbeKind.TREE]
    return [(probe.source, probe.verdict, probe.measured) for probe in probes if probe.kind is ProbeKind.FLOWS]


def test_flows_are_probed_in_the_place_of_the_tree() -> None:
    assert verdicts(facts()) == [(name, Verdict.PASS, "as planned") for name in ("host1", "host2", "host3")]


@pytest.mark.parametrize(
    ("state", "verdict", "measured"),
    [
        (FlowState(missing=("a", "b", "c")), Verdict.FAIL, "3 flows missing"),
        (FlowState(groups_changed=(7,)), Verdict.FAIL, "1 group changed"),
        (None, Verdict.UNKNOWN, flows.NOT_SEEN),
    ],
)
def test_what_is_wrong_with_them_is_said(state: FlowState | None, verdict: Verdict, measured: str) -> None:
    assert verdicts(with_flows(state))[1] == ("host2", verdict, measured)


def test_missing_flows_are_the_cause() -> None:
    causes = look(PLAN, evidence(with_flows(FlowState(missing=("a",)))), ())

    (cause,) = (each for each in causes if each.fault is CauseKind.FLOWS)
    assert (cause.hosts, cause.seen) == (("host2",), "1 flow missing on br0")


def test_nothing_is_sent_while_a_bridge_passes_on_what_it_likes() -> None:
    floods = with_flows(FlowState(extra=("priority=0 actions=NORMAL",)))
    known = facts()
    bridge = known["host3"].bridge(FABRIC_BRIDGE)
    assert bridge is not None
    standalone = {**known, "host3": replace(known["host3"], ovs=(replace(bridge, fail_mode=None),))}

    assert flows.loop_danger(PLAN, known) == ()
    assert flows.loop_danger(PLAN, floods) == ("host2",)
    assert flows.loop_danger(PLAN, standalone) == ("host3",)
    assert CauseKind.LOOP in [cause.fault for cause in look(PLAN, evidence(floods, ("host2",)), ())]
