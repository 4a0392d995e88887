"""SSH to a host by the user's own OpenSSH client: one process, one connection, and our runner at its other end.

Why not a library: docs/decisions/0002-openssh.md.
"""

import asyncio
import contextlib
import json
import os
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from shlex import join

from dockmesh.agent.runner import GREETING
from dockmesh.agent.texts import runner_text
from dockmesh.errors import ConnectError, Report
from dockmesh.transport.answers import read_answers, read_greeting
from dockmesh.transport.deadlines import QUESTION_S, READ_S, deadline_s
from dockmesh.transport.failed import USERS, Call, dialled, explain
from dockmesh.transport.requests import Answer, Ask, Exec, Lock, Request, Transact, as_line
from dockmesh.transport.start import start
from dockmesh.transport.target import SshTarget, found_at

CONNECT_TIMEOUT_S = 15
END_WITHIN_S = 2
GREETING_TIMEOUT_S = 30  # for the log-in by the slowest way, a login script, sudo and Python's start
SSH = (
    *("-o", "BatchMode=yes"),  # a prompt per host would be no dialogue
    *("-o", "StrictHostKeyChecking=yes"),
    # A host that dies in the middle of a command is noticed after 30 s, not after TCP's quarter of an hour.
    *("-o", "ServerAliveInterval=10", "-o", "ServerAliveCountMax=3"),
    *("-o", "ControlMaster=no"),  # an open one is used, but nobody else's session is made to hang on ours
    *("-o", "ClearAllForwardings=yes", "-o", "ForwardAgent=no", "-o", "ForwardX11=no", "-o", "RemoteCommand=none"),
    *("-o", "LogLevel=ERROR"),
)
# The runner's source comes as the first line of its standard input, so that it shows in no process list.
# Without the host's own additions to Python (-I -S) it starts in half the time, and nobody's module stands in for one.
PYTHON = (
    *("python3", "-I", "-S", "-c"),
    "import sys,json;exec(json.loads(sys.stdin.readline()),{'__name__':'dockmesh_runner'})",
)
SUDO = ("sudo", "-n", "--")
# As root at once where we are root already: a host need not have sudo then.
BOOTSTRAP = join(
    (
        *("exec", "sh", "-c"),
        f'[ "$(id -u)" = 0 ] && exec {join(PYTHON)} $SSH_CONNECTION; exec {join((*SUDO, *PYTHON))} $SSH_CONNECTION',
    )
)
NOISE_LINES = 1000  # what a login script may print before our greeting
# Of a host's answers to one order: a thousand containers are 2 MiB of them. Twice as much is kept of each host at most.
LONGEST_LINE = 16 * 1024 * 1024
LAST_WORDS = 64 * 1024  # of what ssh says at its end
NONSENSE = "answers, but not as dockmesh's program does"
DO_NONSENSE = (
    "find out who answers there: a login script that goes on printing, a changed Python, or somebody in between"
)
DO_HANGS = "find out what keeps the host so busy"


@contextlib.contextmanager
def ssh_config(hosts: Iterable[SshTarget], chosen: Path | None) -> Iterator[Path]:
    """The configuration to use: the user's own, and after it (first match wins) the underlay addresses of `hosts`.

    Beside it stands the user's own alone, called USERS.

    As with `ssh -F`, a chosen file stands in for both ~/.ssh/config and the system's.
    """
    users = [chosen.resolve()] if chosen else [Path("~/.ssh/config").expanduser(), Path("/etc/ssh/ssh_config")]
    with tempfile.TemporaryDirectory(prefix="dockmesh-") as folder:
        ours = Path(folder) / "ssh_config"
        includes = "".join(f'Include "{path}"\n' for path in users if path.is_file())
        addresses = "".join(
            f"Host {host.name}\n  HostName {address}\n"
            for host in hosts
            if not host.ssh.host and (address := found_at(host))
        )
        ours.write_bytes(os.fsencode(includes + addresses))
        ours.with_name(USERS).write_bytes(os.fsencode(includes))
        yield ours


class SshHost:
    """The Transport over SSH. `pace` multiplies its deadlines: tests have less time than people."""

    def __init__(self, name: str, process: Process, reached_at: str | None, *, pace: float = 1.0):
        self.name = name
        self.reached_at = reached_at  # the host's own address of this connection
        self.reached_port: int | None = None
        self.reached_from: str | None = None  # our address, as the host sees it
        self._process = process
        self._pace = pace
        self._turn = asyncio.Lock()
        self._owed = 0  # answers still to come; more than one if whoever asked before was interrupted
        self._busy_until = 0.0  # when the answer to an order that was interrupted must be there
        self._may_hold_lock = False
        self._given_up: Report | None = None  # why nothing more is asked

    async def ask(
        self, *requests: Request, together: bool = False, until_failure: bool = False, within_s: float | None = None
    ) -> tuple[Answer, ...]:
        mode = "together" if together else "until failure" if until_failure else "each"
        patience_s = deadline_s(requests, together=together) if within_s is None else within_s
        lines = [as_line(_with_limit(request, patience_s) if together else request) for request in requests]
        async with self._turn:
            if self._given_up is not None:
                raise ConnectError(**asdict(self._given_up))
            self._may_hold_lock |= any(isinstance(request, Lock) for request in requests)
            line = await self._in_time(
                json.dumps({"mode": mode, "requests": lines}) + "\n", patience_s, writes=not together
            )
            if not line.endswith(b"\n"):
                raise await self._lost(requests)
            try:
                return read_answers(line, len(requests), until_failure=until_failure)
            except ValueError as error:
                raise self._give_up(NONSENSE, answered=str(error), do=DO_NONSENSE) from None

    async def _in_time(self, order: str, patience_s: float, *, writes: bool) -> bytes:
        clock = asyncio.get_running_loop().time
        end = max(self._busy_until, clock()) + patience_s * self._pace
        self._busy_until = end
        try:
            async with asyncio.timeout_at(end):
                line = await self._exchange(order)
        except TimeoutError:
            now = "what it was told to do may still be done there" if writes else None
            raise self._give_up(f"it did not answer for {patience_s:g} s", now=now, do=DO_HANGS) from None
        except ValueError:  # of readline: the end of the line does not come
            raise self._give_up(
                NONSENSE, answered=f"more than {LONGEST_LINE >> 20} MiB in one line", do=DO_NONSENSE
            ) from None
        self._busy_until = 0.0
        return line

    def _give_up(self, what: str, *, answered: str | None = None, now: str | None = None, do: str) -> ConnectError:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        if self._may_hold_lock:
            held = f"if it holds our lock still, `dockmesh unlock {self.name}` ends that"
            now = f"{now}; {held}" if now else held
        error = ConnectError(what, host=self.name, answered=answered, now=now, do=do)
        self._given_up = error.report
        return error

    async def _exchange(self, order: str) -> bytes:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            return b""
        try:
            stdin.write(order.encode())
            self._owed += 1
            await stdin.drain()
            while line := await stdout.readline():
                self._owed -= 1
                if self._owed == 0:
                    return line
        except (BrokenPipeError, ConnectionResetError):
            pass
        return b""

    async def _lost(self, requests: tuple[Request, ...]) -> ConnectError:
        return ConnectError(
            "lost the SSH connection",
            host=self.name,
            ran="; ".join(map(str, requests[:3])) + (" …" if len(requests) > 3 else ""),
            answered=await _last_words(self._process) or "the connection was closed",
            now="what was running on the host is run to its end there; nothing after it was begun",
            do="check that the host is up, then run the same command again",
        )

    async def hang_up(self) -> None:
        """Ask nothing more: the other side ends while we go on with its answers, and `close` waits for little."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        await asyncio.sleep(0)  # the event loop closes the pipe in its next round

    async def close(self) -> None:
        await _end(self._process)


def _with_limit(request: Request, patience_s: float) -> Request:
    """What hangs is its own failure, before it becomes the host's."""
    if isinstance(request, Exec | Ask | Transact):
        return replace(request, timeout_s=min(request.timeout_s, max(QUESTION_S, patience_s - (READ_S - QUESTION_S))))
    return request


async def connect(
    host: SshTarget,
    config: Path,
    timeout_s: int = CONNECT_TIMEOUT_S,
    *,
    fresh: bool = False,
    chosen: Path | None = None,
    helped: bool = False,
) -> SshHost:
    """Open the connection and start the runner as root, by sudo where the user is somebody else.

    `chosen` is what of `config` a person has named, and `helped`: that it has the host's underlay address from us. Both
    are for errors.

    Raises ConnectError.
    """
    own = ("-o", "ControlPath=none") if fresh else ()
    argv = argv_of(host, config, timeout_s, *own)
    process = await start(
        # Ctrl-C is ours to handle: a session of its own keeps the terminal's signal from cutting ssh off first.
        *argv, BOOTSTRAP, end=_end, stdin=PIPE, stdout=PIPE, stderr=PIPE, limit=LONGEST_LINE, start_new_session=True
    )  # fmt: skip
    try:
        greeting = await asyncio.wait_for(_greeting(process), GREETING_TIMEOUT_S)
        if greeting is not None:
            ends = read_greeting(greeting)
            opened = SshHost(host.name, process, ends.address)
            opened.reached_port, opened.reached_from = ends.port, ends.client
            return opened
        said = ""
    except TimeoutError:
        said = f"nothing of use within {GREETING_TIMEOUT_S:g} s"
    except ValueError as error:
        await _end(process)
        raise ConnectError(NONSENSE, host=host.name, answered=str(error), do=DO_NONSENSE) from None
    except BaseException:
        await _end(process)
        raise
    code = await _end(process)
    said = said or await _last_words(process)
    address = await dialled(host.name, host.ssh, found_at(host), config) if helped else None
    raise explain(Call(host.name, host.ssh, chosen, address), code, said)


def argv_of(host: SshTarget, config: Path, timeout_s: int, *options: str, terminal: bool = False) -> tuple[str, ...]:
    """The call of ssh but for the command; `terminal`: with one on the host, too."""
    target = host.ssh.host or host.name
    user = ("-l", host.ssh.user) if host.ssh.user else ()
    port = ("-p", str(host.ssh.port)) if host.ssh.port else ()
    return (
        *("ssh", "-t" if terminal else "-T", *SSH),
        *(*options, "-o", f"ConnectTimeout={timeout_s}", "-F", str(config), *user, *port, "--", target),
    )


async def _greeting(process: Process) -> list[str] | None:
    """Start the runner; the words after its greeting, or None if it does not come."""
    if process.stdin is None or process.stdout is None:
        return None
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write((json.dumps(runner_text()) + "\n").encode())
        await process.stdin.drain()
        for _ in range(NOISE_LINES):
            try:
                line = (await process.stdout.readline()).decode(errors="replace")
            except ValueError:  # a line without end
                break
            # A log-in script may have left its last line without an end.
            _, found, words = line.partition(GREETING)
            if found:
                return words.split()
            if not line:
                break
    return None


async def _last_words(process: Process) -> str:
    """What was said until its end; a program in between, as ProxyCommand's, may outlive ssh and hold its stream."""
    said = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(2):
            while process.stderr and (piece := await process.stderr.read(4096)):
                said = (said + piece)[-LAST_WORDS:]
    # Else asyncio closes the streams when nobody hears of it any more but the user, as a traceback.
    if (transport := getattr(process, "_transport", None)) is not None and process.returncode is not None:
        transport.close()
    return said.decode(errors="replace").strip()


async def _end(process: Process) -> int:
    """Close our end; the runner's input ends and so does it. A connection that hangs is not waited for."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        return await asyncio.wait_for(process.wait(), END_WITHIN_S)
    except TimeoutError:
        # It may end at this very moment, as ssh gives a silent connection up by itself.
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        return await process.wait()
