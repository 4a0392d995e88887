"""The one seam between dockmesh and a machine: requests as values, answers as values, and who carries them."""

from collections.abc import Sequence
from dataclasses import dataclass
from shlex import join
from typing import Protocol

from dockmesh.errors import CommandError


@dataclass(frozen=True, slots=True)
class Run:
    """An argv, never a shell string. Exit code 127: no such program; 124: still running after `timeout_s`."""

    argv: tuple[str, ...]
    stdin: str = ""
    timeout_s: float = 60

    def __str__(self) -> str:
        return join(self.argv)


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
    """Be the only writer on the host until the connection ends. Code 75: somebody else is, and `err` says who."""

    owner: str

    def __str__(self) -> str:
        return "take the lock"


Request = Run | Put | Get | PutBytes | GetBytes | Remove | Ask | Find | Lock


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

    async def ask(self, *requests: Request, together: bool = False) -> tuple[Answer, ...]:
        """Carry all requests in one round trip: one after the other, or `together` (only what does not write).

        Raises ConnectError when the connection is gone. A failing request is an answer, not an exception,
        and does not keep the next one from being carried out.
        """

    async def close(self) -> None: ...


async def demand(host: Transport, what: str, *requests: Request, do: str | None = None) -> tuple[Answer, ...]:
    """Like `ask`, one request a round trip, for steps that must succeed: stops at the first that fails.

    Raises CommandError naming `what`, the request and the host's answer.
    """
    answers: list[Answer] = []
    for request in requests:
        (answer,) = await host.ask(request)
        if not answer.ok:
            raise failure(host.name, what, request, answer, do=do)
        answers.append(answer)
    return tuple(answers)


def failure(host: str, what: str, request: Request, answer: Answer, *, do: str | None = None) -> CommandError:
    """The error for an answer that is not to be had otherwise."""
    said = (answer.err.strip() or answer.out.strip()).splitlines()
    return CommandError(
        what,
        host=host,
        ran=str(request),
        answered="\n".join([f"exit {answer.code}: {_first(said)}", *said[1:][-5:]]),
        do=do,
    )


def _first(lines: Sequence[str]) -> str:
    return lines[0] if lines else "nothing"
