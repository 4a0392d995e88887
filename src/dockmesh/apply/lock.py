"""One writer a host."""

import getpass
import os
import secrets
import socket
from datetime import UTC, datetime

from dockmesh.agent.lock import LOCKED
from dockmesh.errors import LockedError
from dockmesh.record.run import Run, lock_text, read_run
from dockmesh.transport.demand import failure
from dockmesh.transport.requests import Answer, Lock, Transport

# The live end of a run is heard of more often than this, whatever it waits for.
SILENT_S = 60


def new_run(why: str) -> Run:
    """This command, as its locks and records name it."""
    since = datetime.now(UTC)
    name = f"{since:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    return Run(name, _user(), socket.gethostname(), f"{since:%Y-%m-%dT%H:%M:%SZ}", why)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container, a user may have a number and no name
        return f"user {os.getuid()}"


async def lock(host: Transport, run: Run) -> None:
    """Be the only one who changes the host, until the connection ends.

    Raises LockedError when somebody else is, CommandError when it cannot be had, and ConnectError.
    """
    request = Lock(lock_text(run))
    (locked,) = await host.ask(request)
    if locked.code == LOCKED:
        raise locked_error(host.name, locked)
    if not locked.ok:
        raise failure(host.name, "could not be locked, so nothing was changed", request, locked)


def locked_error(host: str, answer: Answer) -> LockedError:
    holder = read_run(answer.err)
    silent_s = int(answer.out) if answer.out.isdecimal() else 0
    who = f"{holder.who} from {holder.come_from}: {holder.why}, since {holder.since}" if holder else "unknown"
    if silent_s > SILENT_S:
        return LockedError(
            f"is locked by a command that has been silent for {silent_s} s: it is dead, or cut off",
            host=host,
            answered=who,
            now="nothing was changed by this run",
            do=f"`dockmesh unlock {host}` ends what is left of it there and rolls back what it had not confirmed",
        )
    return LockedError(
        "somebody else is changing this host",
        host=host,
        answered=who,
        now="nothing was changed by this run",
        do=f"wait until that one is done, then run the command again; `dockmesh unlock {host}` ends it",
    )
