"""A run is recorded beside the mesh file, however it ends."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from dockmesh.cli.results import Result
from dockmesh.cli.show import err
from dockmesh.history.store import DESTROY, GONE, HostRecord, Record, RunState, save
from dockmesh.record.run import CONFIRMED
from dockmesh.undo.session import KEPT, Session


@contextlib.contextmanager
def record(file: Path, text: str, session: Session) -> Iterator[Callable[[Result], None]]:
    """Call what it gives with the result; without one the run counts as interrupted.

    So it does from its beginning on, for whoever is killed writes nothing any more.
    """
    results: list[Result] = []
    _save(file, text, session, RunState.INTERRUPTED, {})
    try:
        yield results.append
    finally:
        ended, hosts = RunState.INTERRUPTED, _interrupted(session)
        if results:
            ended, hosts = _ended(results[0]), _hosts(results[0], session.run.why)
        if not _save(file, text, session, ended, hosts):
            err.print(f"This run is not recorded beside {file}: its folder cannot be written.", style="yellow")


def _ended(result: Result) -> RunState:
    if result.errors:
        return RunState.FAILED
    return RunState.NOT_PROVEN if result.proof_failed else RunState.DONE


def _interrupted(session: Session) -> dict[str, HostRecord]:
    states = {**dict.fromkeys(session.armed, "rolls back by itself"), **session.ended}
    return {name: HostRecord((), CONFIRMED if state == KEPT else state) for name, state in states.items()}


def _save(file: Path, text: str, session: Session, ended: RunState, hosts: Mapping[str, HostRecord]) -> bool:
    run = session.run
    try:
        save(file, Record(run.id, run.who, run.since, run.why, ended, text, hosts))
    except OSError:
        return False
    return True


def _hosts(result: Result, why: str) -> dict[str, HostRecord]:
    made = {outcome.host: tuple(change.text() for change in outcome.changes) for outcome in result.outcomes}
    records = {}
    for name in result.hosts:
        error = result.errors.get(name)
        changes = made.get(name, ())
        well = GONE if why == DESTROY else CONFIRMED if changes else "not changed"
        ended = (error.report.now if error else None) or well
        records[name] = HostRecord(changes, ended, error.report.what if error else None)
    return records
