"""`dockmesh packages`."""

import asyncio
import os
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from dockmesh.cli import options
from dockmesh.cli.progress import HostProgress
from dockmesh.cli.show import out, print_json
from dockmesh.errors import UsageError
from dockmesh.model import Ssh
from dockmesh.packages.build import Built, Order, build, check_tree
from dockmesh.remote.fleet import fleet
from dockmesh.remote.ssh import Target
from dockmesh.spec.load import load

app = typer.Typer(
    no_args_is_help=True,
    help="""Packages of one's own, for hosts whose sources have no Open vSwitch, or an old one, or that reach none.

    `packages: {from: debs}` in the mesh file makes `apply` carry them.""",
)

OPEN_VSWITCH = "openvswitch"
DEFAULT_FOLDER = Path("debs")


@dataclass(frozen=True, slots=True)
class BuildHost:
    """A host as the command line names it."""

    name: str
    ssh: Ssh
    underlay: IPv4Address | None = None


@app.callback()
def _group() -> None:
    pass


@app.command("build")
def build_packages(
    *,
    on: Annotated[
        str,
        typer.Option("--on", metavar="[USER@]HOST", help="Where to build: of the same distribution as the hosts."),
    ],
    source: Annotated[
        Path | None,
        typer.Option(
            "--source",
            metavar="DIR",
            help="Build this source tree, which has a folder debian.",
            exists=True,
            file_okay=False,
            show_default="the source package of the distribution",
        ),
    ] = None,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the packages go.")] = DEFAULT_FOLDER,
    check: Annotated[
        bool, typer.Option("--check", help="Run the tests of the package too, which may take hours.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave installed there what the build needed.")] = False,
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    json: options.Json = False,
) -> None:
    """Build .debs of Open vSwitch on a host, and fetch them.

    HOST is one of the mesh file or any that ssh reaches. The build runs in a fresh folder there; what had to be
    installed for it is removed again. Its log lies beside the packages. Words in the environment variable
    DEB_BUILD_OPTIONS are handed on.
    """
    if source is not None:
        check_tree(source)
    words = tuple(os.environ.get("DEB_BUILD_OPTIONS", "").split())
    order = Order(OPEN_VSWITCH, source, words, check=check, keep=keep)
    built = asyncio.run(_build(_target(on, file), ssh_config, order, to))
    if json:
        print_json(built_json(built))
        return
    _show(built, to)


def built_json(built: Built) -> dict[str, Any]:
    """What was built under stable names; docs/reference/json.md describes them."""
    return {
        "log": str(built.log),
        "installed": list(built.installed),
        "packages": [
            {
                "file": deb.path,
                "package": deb.package,
                "version": deb.version,
                "architecture": deb.architecture,
                "sha256": deb.sha256,
            }
            for deb in built.debs
        ],
    }


async def _build(target: Target, ssh_config: Path | None, order: Order, to: Path) -> Built:
    async with fleet((target,), ssh_config) as hosts:
        if target.name in hosts.failed:
            raise hosts.failed[target.name]
        with HostProgress((target.name,)) as progress:
            built = await build(hosts.opened[target.name], order, to, lambda text: progress.step(target.name, text))
            progress.done(target.name, f"{len(built.debs)} packages")
            return built


def _target(on: str, file: Path) -> Target:
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
