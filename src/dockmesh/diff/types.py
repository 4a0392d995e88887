"""What must change on a host, as values: tests compare them, the dry run prints them, apply carries them out."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from dockmesh.debian.deb import Deb
from dockmesh.debian.select import Unmet
from dockmesh.diff.subject import Subject
from dockmesh.transport.requests import Request


class Origin(StrEnum):
    """Where a difference between file and host comes from, as the host's record of the last apply tells it."""

    FIRST = "first"  # dockmesh has made nothing there yet
    FILE = "file"  # another value is wanted now than was applied
    DRIFT = "drift"  # what was applied is still wanted, and is not so any more
    BOTH = "both"
    UNKNOWN = "unknown"  # something of ours is there, and no record
    CERTIFICATES = "certificates"  # of Docker's API: made, renewed or revoked since
    FOLLOWS = "follows"  # no difference of its own: another change needs it


@dataclass(frozen=True, slots=True)
class Change:
    host: str
    subject: Subject
    actual: str | None  # None: it is not there
    expected: str | None  # None: it must not be there
    reason: str  # what it is needed for
    disturbs: tuple[str, ...] = ()  # the running containers that will notice, by name
    origin: Origin = Origin.UNKNOWN
    because: str = ""  # the origin in words, for this change
    found: str | None = None  # what is there, where the record says it in other words than `actual`

    def following(self, because: str) -> "Change":
        """The same, which alone would be no difference."""
        return replace(self, origin=Origin.FOLLOWS, because=because)

    def text(self) -> str:
        """The change in half a line."""
        match self.actual, self.expected:
            case None, expected:
                return f"{self.subject}: {expected}"
            case actual, None:
                return f"{self.subject}: {actual} goes"
            case actual, expected:
                return f"{self.subject}: {actual} → {expected}"

    def why(self) -> str:
        """Where the difference comes from, in half a line."""
        start = {Origin.FILE: "the file changed: ", Origin.BOTH: "the file changed: ", Origin.DRIFT: "drift: "}
        return f"{start.get(self.origin, '')}{self.because}"


class StepName(StrEnum):
    """In the order in which they are carried out.

    Docker has its pool before the fabric is put into docker0: until then every host may own the same addresses.
    """

    UPGRADE = "upgrade packages"
    SWITCH = "start Open vSwitch"
    INSTALL = "install packages"
    QUIESCE = "remove conflicting state"
    LEAVE = "disconnect networks"
    DETACH = "take br0 out of docker0"
    DOCKER = "configure Docker"
    KEYS = "exchange keys"
    FILES = "write files"
    FABRIC = "build the fabric"
    NETWORKS = "make networks"
    ATTACH = "put br0 into docker0"
    # The other way, after DETACH: a host is out of the mesh before anything else of it changes.
    UNMAKE_FILES = "remove files and units"
    UNMAKE_FABRIC = "remove the fabric"
    RESTORE_DOCKER = "restore Docker's settings"
    STOP_SWITCH = "stop Open vSwitch"
    PURGE = "remove packages"
    FORGET = "forget the mesh"


@dataclass(frozen=True, slots=True)
class Step:
    name: StepName
    changes: tuple[Change, ...]
    requests: tuple[Request, ...] = ()
    packages: tuple[str, ...] = ()  # of the install step: from the host's own sources
    debs: tuple[Deb, ...] = ()  # of the upgrade and the install step: carried there
    restart: tuple[Request, ...] = ()  # of Docker's step
    unmet: tuple[Unmet, ...] = ()  # what these need and only the host's own sources may have

    @property
    def installs(self) -> tuple[str, ...]:
        """All packages of the step, wherever they come from."""
        return (*self.packages, *(deb.package for deb in self.debs))

    @property
    def subjects(self) -> Collection[Subject]:
        return [change.subject for change in self.changes]


@dataclass(frozen=True, slots=True)
class HostDiff:
    host: str
    steps: tuple[Step, ...]
    deferred: tuple[Change, ...] = ()  # what waits until Docker may be restarted

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(change for step in self.steps for change in step.changes)

    @property
    def differences(self) -> tuple[Change, ...]:
        """The changes, less those that only follow from others."""
        return tuple(change for change in self.changes if change.origin is not Origin.FOLLOWS)

    def step(self, name: StepName) -> Step | None:
        return next((step for step in self.steps if step.name is name), None)
