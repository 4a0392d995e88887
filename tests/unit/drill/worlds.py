"""Drills that nobody made: evidence as the pingers would have brought it."""

from collections.abc import Iterable

from dockmesh.drill.judge import judge
from dockmesh.drill.predict import predict
from dockmesh.drill.types import Fault, FaultEvidence, FaultResult, Pair, Times
from dockmesh.model.mesh import Fabric, Forwarding, FullMesh, Topology
from dockmesh.pings.log import Ping
from dockmesh.plan.build import build
from dockmesh.plan.types import Plan
from tests.support.meshes import mesh_of

INTERVAL_MS = 10
FAULT_S = 1000.0
# A baseline of two seconds, the fault for four, and five after it.
TIMES = Times(
    start=FAULT_S - 2, fault=FAULT_S, harmed=FAULT_S + 0.1, heal=FAULT_S + 4, healed=FAULT_S + 4.1, end=FAULT_S + 9
)
Silence = tuple[float, float]  # from, to; in seconds after the fault


def plan_of(count: int = 3, topology: Topology | None = None, forwarding: Forwarding = Forwarding.RSTP) -> Plan:
    return build(mesh_of(count, fabric=Fabric(topology=topology or FullMesh(), forwarding=forwarding)))


def pings(silences: Iterable[Silence] = (), start_s: float = -2, end_s: float = 9) -> tuple[Ping, ...]:
    """Every 10 ms, answered within a millisecond but for these times."""
    sent = (FAULT_S + start_s + place / 100 for place in range(round((end_s - start_s) * 100)))
    return tuple(
        Ping(at, None if any(first <= round(at - FAULT_S, 3) < last for first, last in silences) else 0.8)
        for at in sent
    )


def evidence(
    plan: Plan, silences: dict[Pair, Iterable[Silence]], times: Times = TIMES, lacks: str | None = None
) -> FaultEvidence:
    names = [host.name for host in plan.hosts]
    pairs = [(a, b) for a in names for b in names if a != b]
    return FaultEvidence(times, INTERVAL_MS, {pair: pings(silences.get(pair, ())) for pair in pairs}, lacks)


def judged(plan: Plan, fault: Fault, silences: dict[Pair, Iterable[Silence]]) -> FaultResult:
    return judge(fault, predict(plan, fault), evidence(plan, silences))
