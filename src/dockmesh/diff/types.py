"""What must change on a host, as values: tests compare them, the dry run prints them, apply carries them out."""

from dataclasses import dataclass
from enum import StrEnum

from dockmesh.remote.seam import Request


@dataclass(frozen=True, slots=True)
class Change:
    host: str
    subject: str
    actual: str | None  # None: it is not there
    expected: str | None  # None: it must not be there
    reason: str
    disturbs: tuple[str, ...] = ()  # the running containers that will notice, by name

    def text(self) -> str:
        """The change in half a line."""
        match self.actual, self.expected:
            case None, expected:
                return f"{self.subject}: {expected}"
            case actual, None:
                return f"{self.subject}: {actual} goes"
            case actual, expected:
                return f"{self.subject}: {actual} → {expected}"


class StepName(StrEnum):
    """In the order in which they are carried out.

    Docker has its pool before the fabric is put into docker0: until then every host may own the same addresses.
    """

    SWITCH = "start Open vSwitch"
    INSTALL = "install packages"
    DETACH = "take br0 out of docker0"
    DOCKER = "configure Docker"
    FILES = "write files"
    FABRIC = "build the fabric"
    ATTACH = "put br0 into docker0"


@dataclass(frozen=True, slots=True)
class Step:
    name: StepName
    changes: tuple[Change, ...]
    requests: tuple[Request, ...] = ()
    packages: tuple[str, ...] = ()  # of the install step


@dataclass(frozen=True, slots=True)
class HostDiff:
    host: str
    steps: tuple[Step, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(change for step in self.steps for change in step.changes)

    def step(self, name: StepName) -> Step | None:
        return next((step for step in self.steps if step.name is name), None)
