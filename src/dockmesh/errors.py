"""Everything that dockmesh says when it cannot go on.

    DockmeshError            exit code 1
    ├── UsageError           exit code 2: a command line that cannot be meant
    │   └── MeshFileError    every problem of a mesh file, each with its line and column
    ├── HostError            something on one host
    │   ├── ConnectError     no SSH session: name, key, refused, timed out
    │   ├── CommandError     a command on the host failed
    │   ├── RolledBackError  the host rolled back while we worked on it
    │   ├── LockedError      somebody else is changing the host
    │   ├── ConflictError    the host has something of the user's where ours would go
    │   └── DatapathError    Open vSwitch cannot carry the tunnels there, with the datapath that the file wants
    └── LabError             the lab on this machine

A bug is none of these: it keeps its traceback and ends with exit code 3.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Report:
    """What a person needs to go on, in the order in which they ask."""

    what: str
    host: str | None = None
    step: str | None = None
    ran: str | None = None
    answered: str | None = None
    now: str | None = None
    do: str | None = None

    def text(self) -> str:
        """The whole message: one line of what, then one indented line for each thing that is known."""
        head = f"{self.host}: {self.what}" if self.host else self.what
        known = [
            (label, value)
            for label in ("step", "ran", "answered", "now", "do")
            if (value := getattr(self, label)) is not None
        ]
        return "\n".join([head, *(f"   {label:<9} {_indent(value)}" for label, value in known)])


def _indent(text: str) -> str:
    return text.strip().replace("\n", "\n" + " " * 13)


class DockmeshError(Exception):
    """What, where, expected and what to do, for a person.

    >>> print(DockmeshError("no mesh file", do="run `dockmesh init HOST…`"))
    no mesh file
       do        run `dockmesh init HOST…`
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        what: str,
        *,
        host: str | None = None,
        step: str | None = None,
        ran: str | None = None,
        answered: str | None = None,
        now: str | None = None,
        do: str | None = None,
    ) -> None:
        self.report = Report(what, host, step, ran, answered, now, do)
        super().__init__(what)

    def __str__(self) -> str:
        return self.report.text()


class UsageError(DockmeshError):
    exit_code: ClassVar[int] = 2


class HostError(DockmeshError):
    pass


class ConnectError(HostError):
    pass


class CommandError(HostError):
    pass


class RolledBackError(HostError):
    pass


class LockedError(HostError):
    pass


class ConflictError(HostError):
    pass


class DatapathError(HostError):
    pass


class LabError(DockmeshError):
    pass
