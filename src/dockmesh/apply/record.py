"""The end of a host's turn: it keeps what was made of it."""

from datetime import UTC, datetime

from dockmesh import __version__
from dockmesh.diff.origin import expected
from dockmesh.inspect.host import Inspection
from dockmesh.record import applied
from dockmesh.record.paths import APPLIED, STATE
from dockmesh.transport.demand import demand
from dockmesh.transport.requests import Exec, Put, Transport


def text_of(found: Inspection, run: str) -> str | None:
    """The record of what was applied; None if the host's own says so already."""
    made = applied.Applied(
        found.config.mesh,
        __version__,
        datetime.now(UTC).isoformat(timespec="seconds"),
        run,
        found.hosts,
        expected(found.config),
    )
    present = applied.read(found.facts.file(APPLIED))
    return None if made.says_the_same(present) else applied.write(made)


async def write(host: Transport, text: str) -> None:
    """On a host where nothing else had to be changed.

    Raises CommandError and ConnectError.
    """
    await demand(
        host,
        "could not write the record of what was applied",
        Exec(("install", "-d", "-m", "0700", STATE)),
        Put(APPLIED, text, applied.MODE),
    )
