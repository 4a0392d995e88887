"""Docker's new settings: taken for real, or an error; and nobody's container left stopped."""

import asyncio

from dockmesh.diff.types import Step
from dockmesh.errors import CommandError
from dockmesh.facts.gather import gather_docker
from dockmesh.facts.types import Docker
from dockmesh.inspect.host import Inspection
from dockmesh.render.docker import DAEMON_JSON
from dockmesh.transport.demand import demand
from dockmesh.transport.requests import Begin, Put, Transport
from dockmesh.undo import ipv6
from dockmesh.undo.containers import JOURNAL, start_again
from dockmesh.undo.rollback import RESTART

RELOADED_TRIES, RELOADED_POLL_S = 20, 0.25


async def configure(host: Transport, inspection: Inspection, step: Step) -> None:
    """Carry out the step, then compare what Docker really uses with what it should. The host is armed by now.

    Raises CommandError when Docker does not start or took other settings than told.
    """
    await demand(host, "could not write Docker's settings", Begin(step.name), *step.requests)
    if not step.restart:
        return
    try:
        await demand(host, "could not give Docker its pool", Begin(RESTART), *step.restart)
    except CommandError as error:
        raise await _with_journal(host, error) from error
    after = await gather_docker(host)
    before = inspection.facts.docker
    await start_again(host, before.containers if before else ())
    _compare(inspection, after)
    if ipv6.leaves(inspection.facts, _daemon_json(inspection, step)):
        await ipv6.forget(host)
    if before and before.live_restore:
        await _see_live_restore(host)


def _daemon_json(inspection: Inspection, step: Step) -> str | None:
    """As the step writes it; as it is, where it is right already and only Docker is behind."""
    written = (each.text for each in step.requests if isinstance(each, Put) and each.path == DAEMON_JSON)
    return next(written, inspection.facts.file(DAEMON_JSON))


async def _see_live_restore(host: Transport) -> None:
    """It was off for the restart. A reload says well done before Docker has read its file, or when it never will."""
    for _ in range(RELOADED_TRIES):
        now = await gather_docker(host)
        if now is not None and now.live_restore:
            return
        await asyncio.sleep(RELOADED_POLL_S)
    raise CommandError(
        "Docker did not take live-restore back after its restart",
        host=host.name,
        do=f"look at `journalctl -u docker` on {host.name}, then run `dockmesh apply` again",
    )


async def _with_journal(host: Transport, error: CommandError) -> CommandError:
    report = error.report
    journal = (await host.ask(JOURNAL))[0].out.strip()
    return CommandError(
        report.what,
        host=report.host,
        ran=report.ran,
        answered=f"{report.answered}\n{journal}".strip(),
        do=f"look at `journalctl -u docker` on {host.name}, then run `dockmesh apply` again",
    )


def _compare(inspection: Inspection, after: Docker | None) -> None:
    wanted = inspection.config.daemon
    if wanted.ip6tables and after is not None and not after.experimental:
        raise CommandError(
            "Docker makes no rules for IPv6, as daemon.json says",
            host=inspection.config.host,
            do="look for flags that override it, in /etc/default/docker and in `systemctl cat docker.service`",
        )
    unlike = {} if after is None else after.unlike(inspection.config.docker0.address, wanted.pool, wanted.mtu)
    if after is not None and not unlike:
        return
    used = "; ".join(f"{what} {actual or 'none'}, not {needed}" for what, (actual, needed) in unlike.items())
    raise CommandError(
        "Docker took other settings than daemon.json says",
        host=inspection.config.host,
        answered="it does not answer" if after is None else f"it uses {used}",
        do="look for flags that override it, in /etc/default/docker and in `systemctl cat docker.service`",
    )
