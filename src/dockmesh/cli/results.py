"""What commands found and did, for their screens and their JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dockmesh.diff.outcome import Outcome
from dockmesh.diff.types import Change
from dockmesh.errors import DockmeshError
from dockmesh.inspect.host import Inspection
from dockmesh.plan.types import Plan
from dockmesh.record.applied import Applied, read
from dockmesh.record.paths import APPLIED
from dockmesh.verify.types import Verdict, VerifyReport


@dataclass(frozen=True, slots=True)
class Result:
    """All that an apply found and did; hosts in the order of the plan."""

    plan: Plan
    hosts: tuple[str, ...]
    inspections: Mapping[str, Inspection]
    errors: Mapping[str, DockmeshError]
    outcomes: tuple[Outcome, ...] = ()
    report: VerifyReport | None = None
    dry_run: bool = False
    run: str | None = None  # its name in the history; None if nothing had to be changed
    seconds: float = 0.0  # from the first connection to the last change; the proof has its own

    @property
    def failed(self) -> bool:
        """A host, or the proof; what could not be measured is not proven."""
        return bool(self.errors or self.proof_failed)

    @property
    def proof_failed(self) -> bool:
        return self.report is not None and self.report.verdict is not Verdict.PASS


@dataclass(frozen=True, slots=True)
class Comparison:
    """File and hosts; hosts in the order of the plan."""

    name: str
    hosts: tuple[str, ...]
    inspections: Mapping[str, Inspection]
    errors: Mapping[str, DockmeshError]

    @property
    def differences(self) -> tuple[Change, ...]:
        return tuple(change for inspection in self.inspections.values() for change in inspection.diff.differences)

    def applied(self, name: str) -> Applied | None:
        """What a host says was applied there last; None if it says nothing, or was not read."""
        inspection = self.inspections.get(name)
        return read(inspection.facts.file(APPLIED)) if inspection else None


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What there was to undo, and what was undone; `others` are the hosts that keep their mesh."""

    result: Result
    kept: dict[str, dict[str, str]] = field(default_factory=dict)  # by host packages that stay, with the reason
    others: tuple[str, ...] = ()
