"""The encryption of a host: whether it works, and what of it is missing."""

from collections.abc import Iterator

from dockmesh.facts.types import HostFacts
from dockmesh.plan.types import Plan
from dockmesh.record.applied import Applied
from dockmesh.render.wireguard import UNIT
from dockmesh.status.types import HostStatus, StatusFinding
from dockmesh.verify import encryption
from dockmesh.verify.encryption import EncryptionState


def read(plan: Plan, facts: HostFacts, applied: Applied | None) -> EncryptionState | None:
    """Only where an apply put it there: before that, it is only wanted."""
    if plan.fabric.encryption is None or applied is None or UNIT not in applied.expected:
        return None
    return encryption.read(facts)


def findings(host: HostStatus) -> Iterator[StatusFinding]:
    """Of the host as a whole. That a pair has no key is a finding of its tunnel."""
    if host.encryption and host.encryption.problem:
        yield StatusFinding((host.name,), host.encryption.problem, encryption.advice(host.name))
