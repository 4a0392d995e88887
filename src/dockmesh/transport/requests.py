"""All that passes between dockmesh and a machine: requests as values, answers as values, and who carries them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from shlex import join
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Exec:
    """An argv, never a shell string. Exit code 127: no such program; 124: still running after `timeout_s`."""

    argv: tuple[str, ...]
    stdin: str = ""
    timeout_s: float = 60

    def __str__(self) -> str:
        """A program text among its words, which is ours, is left out."""
        return join("…" if "\n" in word else word for word in self.argv)


@dataclass(frozen=True, slots=True)
class Put:
    """Write a whole file by a temporary name and a rename; owner root. Missing folders are made."""

    path: str
    text: str
    mode: int = 0o644

    def __str__(self) -> str:
        return f"write {self.path}"


@dataclass(frozen=True, slots=True)
class Get:
    """Read a file; `err` of the answer is its mode in octal. Code 2: there is none."""

    path: str

    def __str__(self) -> str:
        return f"read {self.path}"


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a file. Code 2: there was none."""

    path: str

    def __str__(self) -> str:
        return f"remove {self.path}"


@dataclass(frozen=True, slots=True)
class Ask:
    """GET `url` over the unix socket `path`, if `unit` is active: the question must not start it by its socket.

    Code 0 for HTTP 200, else the HTTP status; 3 if the unit is not active, 1 or 2 if nobody listens.
    """

    path: str
    url: str
    unit: str
    timeout_s: float = 20

    def __str__(self) -> str:
        return f"GET {self.url} at {self.path}"


@dataclass(frozen=True, slots=True)
class Transact:
    """A read-only transaction of OVSDB (RFC 7047, section 4.1.3) over the first of the unix sockets that is there.

    `operations` are the method's parameters: the database's name, then its operations. `out` is the list of their
    results, in JSON. Code 2: no such socket; 1: nobody listens, or an operation failed.
    """

    paths: tuple[str, ...]
    operations: tuple[Any, ...]
    timeout_s: float = 5

    def __str__(self) -> str:
        return f"read the database at {self.paths[0]}"


@dataclass(frozen=True, slots=True)
class Units:
    """`systemctl show` of units. An `Ask` in the same order asks no second time whether one of them is active."""

    names: tuple[str, ...]
    properties: tuple[str, ...]  # beside Id and ActiveState

    def __str__(self) -> str:
        return f"systemctl show {join(self.names)}"


@dataclass(frozen=True, slots=True)
class Stat:
    """`out` is a file's device and inode, in decimal. Code 2: there is none."""

    path: str

    def __str__(self) -> str:
        return f"stat {self.path}"


@dataclass(frozen=True, slots=True)
class Last:
    """The last line of a file. Code 2: there is none."""

    path: str

    def __str__(self) -> str:
        return f"read the end of {self.path}"


@dataclass(frozen=True, slots=True)
class Gro:
    """Whether generic receive offload is on: `NAME on` or `NAME off`, a line for each device whose name begins so."""

    prefix: str

    def __str__(self) -> str:
        return f"read the offloads of {self.prefix}*"


@dataclass(frozen=True, slots=True)
class PutBytes:
    """Write a piece of a file, in base64, from byte `offset` on, and cut off what was after it; mode 0600, owner root.

    The folder must be there. Pieces must come in their order.
    """

    path: str
    base64: str
    offset: int = 0

    def __str__(self) -> str:
        return f"write {self.path} from byte {self.offset}"


@dataclass(frozen=True, slots=True)
class GetBytes:
    """Read at most `length` bytes of a file from byte `offset` on; `out` is in base64, and empty at its end."""

    path: str
    offset: int
    length: int

    def __str__(self) -> str:
        return f"read {self.path} from byte {self.offset}"


@dataclass(frozen=True, slots=True)
class Find:
    """Look for programs on root's PATH; `out` has the path of each that is there, one a line."""

    programs: tuple[str, ...]

    def __str__(self) -> str:
        return "look for programs"


@dataclass(frozen=True, slots=True)
class Lock:
    """Be the only writer on the host until the connection ends; `owner` is JSON, with "PID" where the process' id goes.

    Code 75: somebody else is; `err` is what they wrote, `out` for how many seconds nothing was heard of them.
    """

    owner: str

    def __str__(self) -> str:
        return "take the lock"


@dataclass(frozen=True, slots=True)
class Unlock:
    """End whoever holds the lock; `out` is what they wrote. Code 3: nobody does."""

    def __str__(self) -> str:
        return "free the lock"


@dataclass(frozen=True, slots=True)
class Arm:
    """Give the host its rollback: `text` for agent/back.py, and the `files` that run it, by path.

    From here to `Confirm` the host rolls back by itself `timeout_s` after the last order on this connection.
    All that is written after that is answered with code 76. Code 75: another run is armed.
    """

    text: str
    files: Mapping[str, str]
    timeout_s: float

    def __str__(self) -> str:
        return "arm the rollback"


@dataclass(frozen=True, slots=True)
class Begin:
    """Remember that a step is begun, so that the rollback undoes it."""

    step: str

    def __str__(self) -> str:
        return f"begin: {self.step}"


@dataclass(frozen=True, slots=True)
class Confirm:
    """End the rollback of run `run_id` and keep what it made; `line` goes into the host's list of runs, then `files`.

    Code 76: the host has rolled back; `out` is its last line.
    """

    run_id: str
    line: str
    files: Mapping[str, str]

    def __str__(self) -> str:
        return "confirm"


@dataclass(frozen=True, slots=True)
class RollBack:
    """Roll back now; `out` is the line that it left in the list of runs. Code 3: there is nothing to roll back."""

    def __str__(self) -> str:
        return "roll back"


Reading = Get | GetBytes | Ask | Transact | Units | Stat | Last | Find | Gro
Request = Exec | Put | PutBytes | Remove | Lock | Unlock | Arm | Begin | Confirm | RollBack | Reading


# As rollbacks that stand on hosts call them, and the runner.
NAMES_ON_HOSTS = {"exec": "run", "rollback": "recall"}


def as_line(request: Request) -> dict[str, object]:
    """As the runner takes it, and as it stands in a rollback."""
    kind = type(request).__name__.lower()
    return {"kind": NAMES_ON_HOSTS.get(kind, kind), **asdict(request)}


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    out: str = ""
    err: str = ""

    @property
    def ok(self) -> bool:
        return self.code == 0


class Transport(Protocol):
    """An open way to one host. Everything on it runs as root."""

    @property
    def name(self) -> str: ...

    @property
    def reached_from(self) -> str | None:
        """The address that the connection comes from, as the host sees it; None where it does not say."""

    async def ask(
        self, *requests: Request, together: bool = False, until_failure: bool = False, within_s: float | None = None
    ) -> tuple[Answer, ...]:
        """Carry all requests in one round trip: one after the other, or `together` (only what does not write).

        `until_failure`: nothing is carried out after the first that fails, and there are no answers for the rest.
        `within_s`: for whoever has less patience than transport/deadlines.py.

        Raises ConnectError when the connection is gone, when the host does not answer in time, and when it answers
        otherwise than asked; it is of no use then any more. A failing request is an answer, not an exception,
        and does not keep the next one from being carried out.
        """

    async def close(self) -> None: ...
