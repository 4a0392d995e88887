"""`dockmesh apply`, and what `dockmesh rollback` does with an earlier file."""

import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from dockmesh.apply.all_or_none import AllOrNone
from dockmesh.apply.exchange_keys import exchange
from dockmesh.apply.inspection import Inspections, inspect_all, lock_all, restart_for, without_keys_of_refused
from dockmesh.apply.lock import new_run
from dockmesh.apply.reassigned import reassigned, reassigned_networks
from dockmesh.apply.run import apply as apply_plan
from dockmesh.cli import options
from dockmesh.cli.ask import said_yes
from dockmesh.cli.json.changes import result_json
from dockmesh.cli.results import Result
from dockmesh.cli.screens.changes import show_changes, show_result, show_silence
from dockmesh.cli.screens.progress import HostProgress
from dockmesh.cli.show import err, print_json
from dockmesh.cli.work.address_conflicts import without_address_conflicts
from dockmesh.cli.work.journal import record
from dockmesh.cli.work.preflight_gate import keep_out
from dockmesh.cli.work.verify import verify_fleet
from dockmesh.cli.work.with_kept import keep_keys, prepared, public_keys
from dockmesh.diff.deferred import Restart
from dockmesh.diff.outcome import Outcome
from dockmesh.diff.types import StepName
from dockmesh.errors import DockmeshError, LockedError, UsageError
from dockmesh.inspect.host import Inspection
from dockmesh.meshfile.load import parse
from dockmesh.meshfile.source import read_bytes
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.record.run import CONFIRMED, Run
from dockmesh.transport.fleet import Fleet, fleet
from dockmesh.transport.requests import Transport
from dockmesh.undo.session import Session, kept_alive
from dockmesh.verify.types import VerifyReport

REASSIGNED = (
    "Docker assigns their addresses again: the same where it can, others where it starts several at once by itself."
)
ENCRYPT = "set `encryption: wireguard` under `fabric`, and run `dockmesh apply`"
ASKING_S = 15  # between two signs of life, while a person thinks
Recorded = Callable[[Session], AbstractContextManager[Callable[[Result], None]]]


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """What the command line asked for."""

    ssh_config: Path | None
    dry_run: bool
    verify: bool
    yes: bool
    json: bool
    confirm_timeout: int
    restart: Restart = Restart.NOW
    preflight: bool = True
    why: str = "apply"
    file: Path = options.DEFAULT_FILE
    rekey: bool = False  # new preshared keys for all pairs, and nothing else


def carry_out(file: Path, only: list[str] | None, opts: ApplyOptions) -> Result:
    """For rollback, too, which is an apply of an earlier text.

    Raises UsageError and MeshFileError before any host is asked, LockedError before any is changed.
    """
    content = read_bytes(file)
    plan, keep = prepared(build(parse(str(file), content, packages_beside=file.parent)), file)
    if opts.rekey and plan.fabric.encryption is None:
        raise UsageError("nothing is encrypted in this mesh, so there is no key", do=ENCRYPT)
    chosen = options.choose_hosts(plan, only)
    opts = replace(opts, file=file, verify=opts.verify and len(chosen) == len(plan.hosts))

    def recorded(session: Session) -> AbstractContextManager[Callable[[Result], None]]:
        keep()
        return record(file, content.decode(), session)

    result = asyncio.run(_apply(plan, chosen, opts, new_run(opts.why), recorded))
    if opts.json:
        print_json(result_json(result))
    else:
        show_result(result)
    return result


async def _apply(plan: Plan, chosen: tuple[HostPlan, ...], opts: ApplyOptions, run: Run, recorded: Recorded) -> Result:
    began = time.monotonic()
    async with fleet(chosen, opts.ssh_config) as hosts:
        plan, found = await _inspect(plan, hosts, opts, run)
        left_out = tuple(host for host in plan.hosts if host not in chosen)
        found = await without_address_conflicts(
            left_out, found, hosts.failed, file=opts.file, ssh_config=opts.ssh_config
        )
        if opts.preflight:
            found = await keep_out(plan, hosts.opened, found)
        inspections = AllOrNone(plan, found)
        plan, found = without_keys_of_refused(plan, inspections, restart_for(inspections, opts.restart))
        inspections = AllOrNone(plan, found)
        good = {name: inspection for name, inspection in inspections.items() if isinstance(inspection, Inspection)}
        errors = {
            **hosts.failed,
            **{name: inspection for name, inspection in inspections.items() if isinstance(inspection, DockmeshError)},
        }
        if opts.rekey:
            _refuse_others(good)
        result = Result(plan, tuple(host.name for host in chosen), good, errors, dry_run=opts.dry_run)
        if not opts.json:
            show_changes(good, reasons=opts.dry_run)
            if any(inspection.diff.steps for inspection in good.values()):
                show_silence(plan, good, proof=opts.verify)
        if opts.dry_run or not any(inspection.diff.steps for inspection in good.values()):
            return replace(result, seconds=time.monotonic() - began)
        stay_out, held_back = reassigned(plan, inspections), reassigned_networks(plan, inspections)
        session = Session(run, opts.confirm_timeout, stay_out, held_back, restart_for(inspections, opts.restart))
        if not opts.yes:
            async with kept_alive(list(hosts.opened.values()), ASKING_S):
                await _ask(good, json=opts.json)
            able = {name: hosts.opened[name] for name in good}
            plan = await _with_keys(plan, able, opts, make=True)
            # The lock kept other applies away meanwhile, but not people.
            again = await inspect_all(plan, able, opts.restart)
            plan, found = without_keys_of_refused(plan, inspections.updated(again), opts.restart)
            inspections, began = AllOrNone(plan, found), time.monotonic()
            session.restart = restart_for(inspections, opts.restart)
        keep_keys(plan, opts.file)
        with recorded(session) as note:
            async with kept_alive(session.armed.values(), session.timeout_s / 4):
                outcomes = await _carry_out(plan, hosts, inspections, session)
                seconds = time.monotonic() - began
                report, unconfirmed, back = await _prove_and_confirm(plan, hosts, session, opts, outcomes)
            outcomes = tuple(_as_it_ended(outcome, unconfirmed, back) for outcome in outcomes)
            wrong = {outcome.host: outcome.error for outcome in outcomes if outcome.error}
            result = replace(
                result, run=run.id, outcomes=outcomes, errors={**errors, **wrong}, report=report, seconds=seconds
            )
            note(result)
        return result


def _refuse_others(inspections: Mapping[str, Inspection]) -> None:
    """Keys change alone: who asks for that does not expect Docker to restart."""
    others = [name for name, found in inspections.items() if any(s.name is not StepName.KEYS for s in found.diff.steps)]
    if others:
        what = f"{', '.join(others)}: not as the file says, and rekey changes keys alone"
        raise UsageError(what, now="nothing was changed", do="run `dockmesh apply` first")


async def _inspect(plan: Plan, hosts: Fleet, opts: ApplyOptions, run: Run) -> tuple[Plan, Inspections]:
    """With the plan that the hosts were compared with: it has their keys."""
    if opts.dry_run:
        plan = await _with_keys(plan, hosts.opened, opts, make=False)
        return plan, await inspect_all(plan, hosts.opened, opts.restart)
    errors = await lock_all(hosts.opened, run, HostProgress(tuple(hosts.opened)))
    for error in errors.values():
        # Two runs that each have some of the hosts would make a mesh that neither of them means.
        if isinstance(error, LockedError):
            raise error
    ours = {name: host for name, host in hosts.opened.items() if name not in errors}
    plan = await _with_keys(plan, ours, opts, make=opts.yes)
    return plan, {**errors, **await inspect_all(plan, ours, opts.restart)}


async def _with_keys(plan: Plan, hosts: Mapping[str, Transport], opts: ApplyOptions, *, make: bool) -> Plan:
    if plan.fabric.encryption is None:
        return plan
    return await exchange(plan, hosts, public_keys(plan, opts.file), make=make, renew=opts.rekey)


async def _carry_out(plan: Plan, hosts: Fleet, inspections: AllOrNone, session: Session) -> tuple[Outcome, ...]:
    progress = HostProgress(tuple(hosts.opened))
    try:
        with progress:
            return await apply_plan(plan, hosts.opened, inspections, session, progress)
    except asyncio.CancelledError:
        for name, at in progress.at.items():
            err.print(f"{name}: stopped at: {at}", markup=False)
        await _roll_back(session)
        raise


async def _roll_back(session: Session) -> None:
    """After Ctrl-C; a second one leaves it to the hosts, which do it by themselves."""
    if kept := [name for name, how in session.ended.items() if how == CONFIRMED]:
        err.print(f"{', '.join(kept)}: this run is already confirmed there", markup=False)
    if session.lost:
        lost = ", ".join(sorted(session.lost))
        err.print(f"{lost}: out of reach; they roll back by themselves within {session.timeout_s:g} s", markup=False)
    if not session.armed:
        if not (kept or session.lost):
            err.print("Nothing to roll back; packages that were upgraded and an Open vSwitch that was started stay.")
        return
    names, timeout_s = ", ".join(session.armed), session.timeout_s
    err.print(f"Rolling back what was not confirmed, on {names} …", markup=False)
    try:
        for name, state in (await session.roll_all_back()).items():
            err.print(f"{name}: {state}", markup=False)
    except asyncio.CancelledError:
        err.print(f"Not waiting for it: {names} roll back by themselves within {timeout_s:g} s.", markup=False)
        raise


async def _prove_and_confirm(
    plan: Plan, hosts: Fleet, session: Session, opts: ApplyOptions, outcomes: tuple[Outcome, ...]
) -> tuple[VerifyReport | None, Mapping[str, DockmeshError], Mapping[str, str]]:
    """The proof over the old connections; the word that it stays over new ones, which show that one gets in still.

    A proof that fails rolls nothing back: it tells what is wrong, and a host that lets us in can be mended.
    """
    changed = [host for host in plan.hosts if host.name in session.armed or host.name in session.lost]
    try:
        # Where no host became what the file says there is no mesh to be measured.
        is_there = any(outcome.error is None for outcome in outcomes)
        report = await verify_fleet(plan, hosts) if opts.verify and is_there else None
        async with fleet(changed, opts.ssh_config, fresh=True) as again:
            changes = {outcome.host: [change.text() for change in outcome.changes] for outcome in outcomes}
            wrong = await session.confirm(again.opened, changes)
            now = await session.roll_lost_back(again.opened)
            return report, {**again.failed, **wrong}, now
    except asyncio.CancelledError:
        await _roll_back(session)
        raise


def _as_it_ended(outcome: Outcome, unconfirmed: Mapping[str, DockmeshError], back: Mapping[str, str]) -> Outcome:
    if outcome.error is not None:
        if outcome.host in back:
            outcome.error.report = replace(outcome.error.report, now=back[outcome.host])
        return outcome
    error = unconfirmed.get(outcome.host)
    if error is None:
        return outcome
    now = "without contact by then, it rolls back by itself to what it was before this run"
    error.report = replace(error.report, now=error.report.now or now, step="confirm over a new connection")
    return Outcome(outcome.host, (), error)


async def _ask(inspections: Mapping[str, Inspection], *, json: bool) -> None:
    if json or not sys.stdin.isatty():
        raise UsageError(
            "these changes need confirmation, and nobody can be asked", do="add --yes, or --dry-run to only look"
        )
    disturbed = sorted(
        {name for inspection in inspections.values() for change in inspection.diff.changes for name in change.disturbs}
    )
    if disturbed:
        err.print(f"Docker restarts under these containers: {', '.join(disturbed)}.", style="yellow", markup=False)
        err.print(REASSIGNED, style="yellow", markup=False)
    if not await said_yes("Make these changes?"):
        raise DockmeshError("nothing was changed")
