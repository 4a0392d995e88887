"""`dockmesh packages`."""

import asyncio
import os
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from dockmesh.cli.json.packages import built_json
from dockmesh.cli.screens.progress import HostProgress
from dockmesh.cli.show import out, print_json
from dockmesh.errors import UsageError
from dockmesh.meshfile.load import load
from dockmesh.model.mesh import Ssh
from dockmesh.packages.build import Built, Order, build, check_tree
from dockmesh.transport.fleet import fleet
from dockmesh.transport.target import SshTarget
from dockmesh.transport.understand import understanding

OPEN_VSWITCH = "openvswitch"


@dataclass(frozen=True, slots=True)
class BuildHost:
    """A host as the command line names it."""

    name: str
    ssh: Ssh
    underlay: IPv4Address | None = None


@dataclass(frozen=True, slots=True)
class Extras:
    """What a build may do beside building."""

    check: bool
    keep: bool


def build_packages(
    on: str, source: Path | None, to: Path, extras: Extras, *, file: Path, ssh_config: Path | None, json: bool
) -> None:
    if source is not None:
        check_tree(source)
    words = tuple(os.environ.get("DEB_BUILD_OPTIONS", "").split())
    order = Order(OPEN_VSWITCH, source, words, check=extras.check, keep=extras.keep)
    built = asyncio.run(_build(_target(on, file), ssh_config, order, to))
    if json:
        print_json(built_json(built))
        return
    _show(built, to)


async def _build(target: SshTarget, ssh_config: Path | None, order: Order, to: Path) -> Built:
    async with fleet((target,), ssh_config) as hosts:
        if target.name in hosts.failed:
            raise hosts.failed[target.name]
        with HostProgress((target.name,)) as progress:
            with understanding(target.name):
                built = await build(hosts.opened[target.name], order, to, lambda text: progress.step(target.name, text))
            progress.done(target.name, f"{len(built.debs)} packages")
            return built


def _target(on: str, file: Path) -> SshTarget:
    """The host of the mesh file that has this name; else as ssh would take it."""
    if file.exists() and (host := next((host for host in load(file).hosts if host.name == on), None)):
        return host
    user, at, name = on.rpartition("@")
    if not name or name.startswith("-") or (at and not user):
        raise UsageError(f"--on {on} names no host", do="write it like --on root@builder")
    return BuildHost(name, Ssh(user=user or None))


def _show(built: Built, to: Path) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for column in ("package", "version", "", "sha256"):
        table.add_column(column, no_wrap=True)
    for deb in built.debs:
        table.add_row(escape(deb.package), escape(deb.version), escape(deb.architecture), f"[dim]{deb.sha256}[/]")
    out.print(table)
    out.print(f"\n[bold]{escape(str(to))}[/] has them, and the log in {escape(str(built.log))}.")
    out.print(f"In the mesh file `packages: {{from: {escape(str(to))}}}` makes `dockmesh apply` carry them.")
