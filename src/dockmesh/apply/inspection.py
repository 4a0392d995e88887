"""Read a host and say what must change; writes nothing, but for rolling back what an earlier run left unconfirmed."""

from collections.abc import Mapping
from dataclasses import replace

from dockmesh.apply.install import refuse_unmet
from dockmesh.apply.lock import lock
from dockmesh.diff.deferred import Restart, keeps_addresses
from dockmesh.errors import CommandError, ConflictError, DockmeshError
from dockmesh.facts.gather import gather
from dockmesh.facts.types import HostFacts
from dockmesh.inspect.host import Inspection, config_of, inquiry, inspect
from dockmesh.inspect.lock_out import refuse_lock_out
from dockmesh.plan.types import Plan
from dockmesh.record.paths import ARMED, RETURNING
from dockmesh.record.run import Run, read_run
from dockmesh.render.paths import API_CA
from dockmesh.render.wireguard import preshared
from dockmesh.transport.fanout import all_of
from dockmesh.transport.progress import Progress
from dockmesh.transport.requests import Get, RollBack, Transport
from dockmesh.undo.session import told

Inspections = Mapping[str, Inspection | DockmeshError]


async def inspect_host(plan: Plan, transport: Transport, restart: Restart = Restart.NOW) -> Inspection:
    """What needs a restart of Docker is left where that is not to be now.

    Raises ConflictError, HostError and ConnectError.
    """
    asked = inquiry(plan, transport.name)
    facts = await gather(transport, asked)
    refuse_other_authority(plan, facts)
    refuse_lock_out(plan, transport.name, transport.reached_from)
    found = inspect(plan, config_of(plan, facts, asked.bundle), facts, restart)
    await refuse_unmet(transport, found.diff.steps)
    return found


def refuse_other_authority(plan: Plan, facts: HostFacts) -> None:
    """Nobody who was let in elsewhere is shut out by an apply from here.

    Raises ConflictError.
    """
    if plan.access is not None and plan.access.fresh and facts.file(API_CA) is not None:
        raise ConflictError(
            "its Docker API uses a certificate authority that this machine does not have",
            host=facts.name,
            now="nothing was changed on this host",
            do="copy the folder `access` from `.dockmesh` beside the mesh file on the machine that gave access; "
            "or run `dockmesh access rotate` here: then everybody needs a new certificate",
        )


async def inspect_all(plan: Plan, hosts: Mapping[str, Transport], restart: Restart = Restart.NOW) -> Inspections:
    """All hosts together; one host's error is its own."""
    inspections = await all_of({name: inspect_host(plan, transport, restart) for name, transport in hosts.items()})
    if restart is restart_for(inspections, restart):
        return inspections
    return {
        name: inspect(plan, found.config, found.facts, Restart.ADDRESSES_DEFERRED)
        if isinstance(found, Inspection)
        else found
        for name, found in inspections.items()
    }


def without_keys_of_refused(plan: Plan, inspections: Inspections, restart: Restart) -> tuple[Plan, Inspections]:
    """New preshared keys only for pairs of which both hosts will take theirs: one alone would part the two."""
    good = {name: found for name, found in inspections.items() if isinstance(found, Inspection)}
    kept = {pair: key for pair, key in plan.keys.preshared.items() if pair <= {*good}}
    if len(kept) == len(plan.keys.preshared):
        return plan, inspections
    plan = replace(plan, keys=replace(plan.keys, preshared=kept))
    again = {
        name: inspect(plan, replace(found.config, preshared=preshared(plan, plan.host(name))), found.facts, restart)
        for name, found in good.items()
    }
    return plan, {**inspections, **again}


def restart_for(inspections: Inspections, restart: Restart) -> Restart:
    """What the hosts together make of it: who keeps addresses makes all others wait."""
    late = restart is not Restart.NOW and any(
        keeps_addresses(found.config, found.facts) for found in inspections.values() if isinstance(found, Inspection)
    )
    return Restart.ADDRESSES_DEFERRED if late else restart


async def lock_all(hosts: Mapping[str, Transport], run: Run, progress: Progress) -> dict[str, DockmeshError]:
    """Be the only one who changes these hosts, and undo what a run that died left on them; by host what went wrong.

    What is read after it stays true, but for what is done by hand.
    """
    results = await all_of({name: _lock(host, run, progress) for name, host in hosts.items()})
    return {name: result for name, result in results.items() if isinstance(result, DockmeshError)}


async def _lock(host: Transport, run: Run, progress: Progress) -> None:
    await lock(host, run)
    await roll_back_unconfirmed(host, progress)


async def roll_back_unconfirmed(host: Transport, progress: Progress) -> Run | None:
    """If an earlier run died before it was confirmed, the host rolls back now and not some time later. Under the lock.

    Raises CommandError where it cannot, and ConnectError.
    """
    armed, returning = await host.ask(Get(ARMED), Get(RETURNING), together=True)
    if not (armed.ok or returning.ok):
        return None
    earlier = read_run(armed.out or returning.out)
    who = f"{earlier.why} of {earlier.who}, {earlier.since}" if earlier else "an earlier run"
    progress.step(host.name, f"roll back what was not confirmed: {who}")
    (answer,) = await host.ask(RollBack())
    if not answer.ok and answer.code != 3:
        raise CommandError(
            "could not roll back an earlier run",
            host=host.name,
            answered=answer.err,
            now=told(answer),
            do=f"look at `journalctl -u dockmesh-back` on {host.name}",
        )
    return earlier
