"""What became of the changes on a host."""

from dataclasses import dataclass

from dockmesh.diff.types import Change
from dockmesh.errors import DockmeshError


@dataclass(frozen=True, slots=True)
class UpgradeOutage:
    """What one host heard of another over the mesh while a third, or the other, was upgraded."""

    observer: str
    host: str
    longest_ms: int
    sent: int
    answered: int
    twice: int  # pings that were answered more than once, as in a loop


@dataclass(frozen=True, slots=True)
class Outcome:
    host: str
    changes: tuple[Change, ...] = ()
    error: DockmeshError | None = None
    outages: tuple[UpgradeOutage, ...] = ()
