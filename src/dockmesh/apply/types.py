"""What an apply tells while it runs, and what is left to say at its end."""

from dataclasses import dataclass
from typing import Protocol

from dockmesh.diff.types import Change
from dockmesh.errors import DockmeshError


class Progress(Protocol):
    """Told what each host is at; whoever shows it decides how."""

    def step(self, host: str, text: str) -> None: ...

    def done(self, host: str, text: str) -> None: ...

    def failed(self, host: str, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Gap:
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
    gaps: tuple[Gap, ...] = ()
