"""A new list of revoked certificates, brought to hosts without an apply: who is shut out is so now."""

from collections.abc import Callable, Mapping

from dockmesh.apply.lock import lock
from dockmesh.diff.api import RESTART
from dockmesh.errors import ConflictError, DockmeshError
from dockmesh.plan.secrets import Access
from dockmesh.record.run import Run
from dockmesh.render.paths import API_CA, API_REVOKED
from dockmesh.transport.demand import demand
from dockmesh.transport.fanout import all_of
from dockmesh.transport.requests import Get, Put, Transport


async def shut_out(
    hosts: Mapping[str, Transport], newest: Callable[[], Access], run: Run
) -> Mapping[str, DockmeshError | None]:
    """By host what kept it from taking the list; None: it has it, or nothing is open there.

    `newest` is asked when a host is locked: of two who shut out at one time, the slower one brings both lists' names.
    Connections that are open end, everybody's: who was shut out must not stay on one.
    """
    return await all_of({name: _shut_out(host, newest, run) for name, host in hosts.items()})


async def _shut_out(host: Transport, newest: Callable[[], Access], run: Run) -> None:
    """Raises LockedError, ConflictError, CommandError and ConnectError."""
    await lock(host, run)
    access = newest()
    ca, present = await host.ask(Get(API_CA), Get(API_REVOKED), together=True)
    if not ca.ok:
        return
    if ca.out != access.ca:
        raise ConflictError(
            "its Docker API uses another certificate authority than this machine",
            host=host.name,
            now="access there is unchanged",
            do="run `dockmesh apply`, or run this on the machine that gave access there",
        )
    if present.out != access.revoked:
        await demand(host, "could not revoke the access of", Put(API_REVOKED, access.revoked), RESTART)
