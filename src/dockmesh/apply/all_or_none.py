"""Changes that must be made on all hosts of the file in one run, or on none: pure."""

from collections.abc import Iterator, Mapping

from dockmesh.apply.inspection import Inspections
from dockmesh.diff.quiesce import switches
from dockmesh.diff.types import StepName
from dockmesh.errors import DockmeshError, HostError
from dockmesh.inspect.host import Inspection
from dockmesh.model.mesh import Forwarding
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.plan.types import Plan


class AllOrNone(Mapping[str, Inspection | DockmeshError]):
    """What was found on the hosts of one run, by their names.

    A host that would have to let go of what others keep has the reason in place of what was found, however these came
    to be: who makes or updates it need not think of that.
    """

    def __init__(self, plan: Plan, found: Inspections) -> None:
        self._plan = plan
        self._found = {**found, **_refused(plan, found)}

    def updated(self, found: Inspections) -> "AllOrNone":
        return AllOrNone(self._plan, {**self._found, **found})

    def __getitem__(self, host: str) -> Inspection | DockmeshError:
        return self._found[host]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def _refused(plan: Plan, inspections: Inspections) -> dict[str, DockmeshError]:
    missing = [host.name for host in plan.hosts if not _comes_along(inspections.get(host.name))]
    refused: dict[str, DockmeshError] = {}
    for name, inspection in inspections.items():
        if (
            isinstance(inspection, Inspection)
            and inspection.diff.step(StepName.QUIESCE)
            and (error := _reason(plan, inspection, missing))
        ):
            refused[name] = error
    return refused


def _comes_along(inspection: Inspection | DockmeshError | None) -> bool:
    """Not who stays out because its Docker may not be restarted."""
    if not isinstance(inspection, Inspection):
        return False
    bridge = inspection.facts.bridge(FABRIC_BRIDGE)
    return (
        bridge is None or not switches(inspection.config, bridge) or inspection.diff.step(StepName.FABRIC) is not None
    )


def _reason(plan: Plan, inspection: Inspection, missing: list[str]) -> HostError | None:
    bridge = inspection.facts.bridge(FABRIC_BRIDGE)
    switched = bridge is not None and switches(inspection.config, bridge)
    if bridge is not None and switched and (bridge.stp or plan.fabric.forwarding is Forwarding.STP):
        # A rapid spanning tree looks at BFD, which never comes up between the two; a classic one does not.
        return HostError(
            "cannot go between `stp` and `direct` at once: a host that is left behind could make a loop",
            host=inspection.config.host,
            now="nothing was changed on this host",
            do="set `forwarding: rstp` and run `dockmesh apply`, then do the same with the one that you want",
        )
    if not missing:
        return None
    names = ", ".join(missing)
    return HostError(
        "can change its forwarding only together with all hosts of the file"
        if switched
        else "can change its flows only together with all hosts of the file",
        host=inspection.config.host,
        answered=f"not in this run: {names}",
        now="nothing was changed on this host",
        do=f"bring all hosts into one run; if {names} will not come back, take it out of the file "
        "(`dockmesh host remove`)",
    )
