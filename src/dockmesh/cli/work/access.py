"""`dockmesh access`."""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer
from rich.markup import escape

from dockmesh.access import store
from dockmesh.access.push_revocation import shut_out as push_revocation
from dockmesh.apply.lock import new_run
from dockmesh.cli.ask import said_yes
from dockmesh.cli.json.access import (
    clients_json,
    created_json,
    revoked_json,
    rotated_json,
)
from dockmesh.cli.screens.access import clients_table, when_utc
from dockmesh.cli.show import err, out, print_json, show_error
from dockmesh.errors import DockmeshError, UsageError
from dockmesh.meshfile.load import load
from dockmesh.model.mesh import API_PORT
from dockmesh.plan.build import build
from dockmesh.plan.secrets import Client
from dockmesh.plan.types import Plan
from dockmesh.transport.fleet import fleet

NAME = r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}"


def create(name: str, file: Path, days: int, output: Path | None, *, again: bool, json: bool) -> None:
    from dockmesh.access.keep import begin, let_in, valid_clients

    plan, now = build(load(file)), datetime.now(UTC)
    _refuse_name(name)
    folder = (output or store.client_folder(file, name)).resolve()
    with store.held(file) as books:
        kept = books.kept or begin(plan.name, now)
        valid = [each for each in valid_clients(kept.clients, now) if each.name == name]
        if valid and not again:
            raise UsageError(
                f"{name} already has access, until {when_utc(valid[0].until)}",
                now="nothing was made",
                do=f"add --again for another certificate; `dockmesh access revoke {name}` revokes the existing ones",
            )
        new, given = let_in(kept, name, now, timedelta(days=days), folder)
        books.save(new)  # first, so that no certificate is out of which nobody knows
        store.write_client(folder, given.ca, given.certificate, given.key)
    made = new.clients[-1]
    if json:
        print_json(created_json(plan, made))
        return
    out.print(f"{name} gets in until {when_utc(made.until)}, with what is in", markup=False)
    out.print(f"  {folder}", markup=False)
    if plan.docker_api is None:
        err.print("[bold yellow]![/] no API is open yet: put `docker_api: {listen: mesh}` into the file, and run apply")
    address = plan.hosts[0].address.ip
    out.print(f"[bold]next[/]  dockmesh context create --api {escape(str(folder))}")
    out.print("  or  export DOCKER_TLS_VERIFY=1", markup=False)
    out.print(f"      export DOCKER_CERT_PATH={folder}", markup=False)
    out.print(f"      export DOCKER_HOST=tcp://{address}:{API_PORT}", markup=False)


def list_(file: Path, *, json: bool) -> None:
    kept, now = store.load(file), datetime.now(UTC)
    if json:
        print_json(clients_json(kept, now))
    elif kept is None or not kept.clients:
        out.print("nobody was given access from here; `dockmesh access create NAME` does so", markup=False)
    else:
        out.print(clients_table(kept.clients, now))
        out.print(f"the certificate authority expires {when_utc(kept.ca_until)}", markup=False)


def revoke(name: str, file: Path, ssh_config: Path | None, *, later: bool, json: bool) -> None:
    plan, now = build(load(file)), datetime.now(UTC)
    new: store.Kept | None = None
    try:
        with store.held(file) as books:
            new = _shut_out(books, name, now)
            store.remove_client(file, name)
        told = {} if later else asyncio.run(_tell(plan, file, new, ssh_config))
    except KeyboardInterrupt:
        if new is not None:
            err.print(
                f"{name} loses access with the next `dockmesh apply`; until then some hosts may still allow it",
                markup=False,
            )
        raise
    if json:
        print_json(revoked_json(name, told))
    else:
        _show_told(name, told, later=later)
    if any(told.values()):
        raise typer.Exit(1)


def _shut_out(books: store.Books, name: str, now: datetime) -> store.Kept:
    """Raises UsageError where nobody of that name was let in."""
    from dockmesh.access.keep import shut_out

    kept = books.kept
    if kept is None or name not in {each.name for each in kept.clients}:
        known = ", ".join(sorted({each.name for each in kept.clients})) if kept else ""
        raise UsageError(f"nobody called {name} was given access from here", do=f"known are {known}" if known else None)
    new = shut_out(kept, name, now)
    books.save(new)
    return new


async def _tell(
    plan: Plan, file: Path, kept: store.Kept, ssh_config: Path | None
) -> Mapping[str, DockmeshError | None]:
    async with fleet(plan.hosts, ssh_config) as hosts:
        newest = lambda: (store.load(file) or kept).access  # noqa: E731 — what it is for stands where it is called
        told = await push_revocation(hosts.opened, newest, new_run("access revoke"))
        return {**told, **hosts.failed}


def _show_told(name: str, told: Mapping[str, DockmeshError | None], *, later: bool) -> None:
    done = [host for host, error in told.items() if error is None]
    wrong = {host: error for host, error in told.items() if error}
    for error in wrong.values():
        show_error(error)
    if later:
        out.print(f"{name} loses access with the next apply; until then it remains", markup=False)
    elif done:
        out.print(f"{name} has no access any more on {', '.join(done)}", markup=False)
    if wrong:
        err.print(f"[bold red]{escape(name)} gets in on {', '.join(wrong)}[/] until `dockmesh apply` reaches it")


def rotate(file: Path, *, yes: bool, json: bool) -> None:
    from dockmesh.access.keep import rotate as rotate_authority

    plan, now = build(load(file)), datetime.now(UTC)
    if not yes:
        if json or not typer.get_text_stream("stdin").isatty():
            raise UsageError("this needs confirmation, and nobody can be asked", do="add --yes")
        if not asyncio.run(said_yes("All clients need new certificates then. Make a new certificate authority?")):
            raise DockmeshError("nothing was changed")
    with store.held(file) as books:
        kept = books.kept
        new, reissued = rotate_authority(file, plan.name, kept, now)
        books.save(new)
        for name, given in reissued.items():
            store.write_client(store.client_folder(file, name), given.ca, given.certificate, given.key)
        for name in {each.name for each in (kept.clients if kept else ())} - set(reissued):
            store.remove_client(file, name)
    folders = {name: store.client_folder(file, name) for name in reissued}
    lost = sorted({each.name for each in _valid(kept, now)} - set(folders))
    if json:
        print_json(rotated_json(new, folders, lost))
        return
    out.print(f"there is a new certificate authority, until {when_utc(new.ca_until)}", markup=False)
    for name, folder in sorted(folders.items()):
        out.print(f"{name} has a new certificate, to be handed over: {folder}", markup=False)
    if lost:
        names = ", ".join(lost)
        err.print(f"[bold yellow]![/] {escape(names)} need new certificates: `dockmesh access create`")
    out.print("[bold]next[/]  dockmesh apply")


def _valid(kept: store.Kept | None, now: datetime) -> list[Client]:
    return [each for each in (kept.clients if kept else ()) if each.revoked is None and each.until > now]


def _refuse_name(name: str) -> None:
    if not re.fullmatch(NAME, name):
        raise UsageError(f"{name!r} is not a valid name", do="use letters, digits, `-`, `_` and `.`, 63 at most")
