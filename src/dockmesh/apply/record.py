"""The end of a host's turn: it keeps what was made of it."""

from datetime import UTC, datetime

from dockmesh import __version__
from dockmesh.apply.types import Look
from dockmesh.diff.expected import expected
from dockmesh.record import applied
from dockmesh.record.paths import APPLIED, STATE
from dockmesh.remote.seam import Put, Run, Transport, demand


async def record(host: Transport, found: Look, run: str = "") -> None:
    """Write the record of what was applied, unless it says so already.

    Raises CommandError and ConnectError.
    """
    made = applied.Applied(
        found.config.mesh,
        __version__,
        datetime.now(UTC).isoformat(timespec="seconds"),
        run,
        found.hosts,
        expected(found.config),
    )
    if made.says_the_same(applied.read(found.facts.file(APPLIED))):
        return
    await demand(
        host,
        "could not write the record of what was applied",
        Run(("install", "-d", "-m", "0700", STATE)),
        Put(APPLIED, applied.write(made), applied.MODE),
    )
