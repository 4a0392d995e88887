"""`dockmesh context`."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from dockmesh.cli import options
from dockmesh.cli.json.context import contexts_json
from dockmesh.cli.show import err, out, print_json
from dockmesh.context import store
from dockmesh.context.meta import NAME, Context, Tls, is_name
from dockmesh.context.reach import apart, read_settings, ssh_url
from dockmesh.errors import UsageError
from dockmesh.meshfile.load import load
from dockmesh.model.mesh import API_PORT
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.transport.resolve import resolves
from dockmesh.transport.settings import ssh_settings
from dockmesh.transport.ssh import ssh_config as composed
from dockmesh.transport.target import found_at

SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class Way:
    """How Docker's ssh gets to a host, and which settings of it are not those of dockmesh's."""

    url: str
    user: str
    apart: tuple[str, ...]
    lacking: tuple[str, ...]  # those that stay so with the file of --ssh-config in the user's


def create(
    file: Path,
    ssh_config: Path | None,
    host: list[str] | None,
    prefix: str | None,
    api: Path | None,
    *,
    json: bool,
) -> None:
    plan = build(load(file))
    chosen = options.choose_hosts(plan, host)
    tls = _read_tls(plan, api) if api else None
    ways = [] if api else asyncio.run(_ways(chosen, ssh_config))
    urls = [f"tcp://{each.address.ip}:{API_PORT}" for each in chosen] if api else [way.url for way in ways]
    before = f"{plan.name}-" if prefix is None else prefix
    contexts = [
        Context(f"{before}{each.name}", plan.name, each.name, str(file.resolve()), url, tls)
        for each, url in zip(chosen, urls, strict=True)
    ]
    if wrong := [context.name for context in contexts if not is_name(context.name)]:
        raise UsageError(f"{wrong[0]!r} is not a valid context name", do=f"it must match {NAME}, and not be `default`")
    with store.held():
        for context in contexts:
            store.refuse_others(context)
        written = [store.write(context) for context in contexts]
    include = (
        f'Include "{ssh_config.resolve()}"' if ssh_config and any(way.apart != way.lacking for way in ways) else None
    )
    if json:
        print_json(contexts_json(contexts, written, include))
        return
    for context, new in zip(contexts, written, strict=True):
        out.print(f"{context.name}  {context.url}{'' if new else '  as it was'}", markup=False)
    out.print(f"[bold]next[/]  docker --context {contexts[0].name} ps")
    if not api:
        _warn(chosen, ways, include)


def _read_tls(plan: Plan, folder: Path) -> Tls:
    """Raises UsageError."""
    if plan.docker_api is None:
        raise UsageError(
            "the file does not open Docker's API", do="put `docker_api: {listen: mesh}` into it, and run apply"
        )
    try:
        return Tls(*((folder / name).read_text(encoding="ascii") for name in ("ca.pem", "cert.pem", "key.pem")))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{folder} has no certificate that can be read: {error}",
            do="`dockmesh access create NAME` writes one, and says where",
        ) from error


def remove(file: Path, host: list[str] | None, *, json: bool) -> None:
    name = str(file.resolve())
    ours = [
        each for each in store.all_of_ours() if each.file == name and (not host or each.host in options.split(host))
    ]
    if (current := store.current()) in {each.name for each in ours}:
        raise UsageError(
            f"docker uses the context {current} now",
            now="nothing was removed",
            do="run `docker context use default` first",
        )
    for context in ours:
        store.remove(context)
    if json:
        print_json({"removed": [each.name for each in ours]})
    elif ours:
        out.print(f"removed {', '.join(each.name for each in ours)}", markup=False)
    else:
        out.print(f"{store.folder()} has no context of {file}", markup=False)


async def _ways(hosts: Sequence[HostPlan], chosen: Path | None) -> list[Way]:
    known = await asyncio.gather(*(_is_known(host) for host in hosts))
    helped = [host for host, is_known in zip(hosts, known, strict=True) if not is_known]
    with composed(helped, chosen) as config:
        return await asyncio.gather(*(_way(host, config, chosen, helped=host in helped) for host in hosts))


async def _is_known(host: HostPlan) -> bool:
    """Whether ssh needs no address of ours for it."""
    return host.ssh.host is not None or await resolves(host.name)


async def _way(host: HostPlan, config: Path, chosen: Path | None, *, helped: bool) -> Way:
    name, user, port = host.ssh.host or host.name, host.ssh.user, host.ssh.port
    ours = read_settings(await ssh_settings(name, user, port, config))
    said = read_settings(await ssh_settings(name, user, port, chosen))
    if helped and said["hostname"][0].lower() == name.lower():
        # Nobody but the mesh file knows where it is, so the URL must say it: with all that ssh has under its name.
        name, user, port = str(found_at(host) or name), ours["user"][0], int(ours["port"][0])
    theirs = read_settings(await ssh_settings(name, user, port, None))
    included = read_settings(await ssh_settings(name, user, port, chosen)) if chosen else theirs
    url = ssh_url(name, user, port if port != SSH_PORT else None)
    return Way(url, ours["user"][0], apart(ours, theirs), apart(ours, included))


def _warn(hosts: Sequence[HostPlan], ways: Sequence[Way], include: str | None) -> None:
    if others := [host.name for host, way in zip(hosts, ways, strict=True) if way.user != "root"]:
        err.print(
            f"{', '.join(others)}: Docker's ssh knows no sudo: the user there must be in the group docker", markup=False
        )
    pairs = list(zip(hosts, ways, strict=True))
    if include:
        _warn_of({host.name: way.apart for host, way in pairs if way.apart})
        err.print("   do  put this line at the top of ~/.ssh/config:")
        err.print(f"       {include}", markup=False)
    if lacking := {host.name: way.lacking for host, way in pairs if way.lacking}:
        _warn_of(lacking)
        err.print("   do  repeat there, for the address in the URL, what is set for the name of the host")


def _warn_of(settings: Mapping[str, tuple[str, ...]]) -> None:
    names, keys = ", ".join(settings), ", ".join(sorted(set(chain(*settings.values()))))
    err.print(f"[bold yellow]![/] [bold]{names}[/]: Docker's ssh reads ~/.ssh/config, which has another {keys}")
