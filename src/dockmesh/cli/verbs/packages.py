"""`dockmesh packages`."""

from pathlib import Path
from typing import Annotated

import typer

from dockmesh.cli import options
from dockmesh.cli.command import Command, group

app = group(
    """Build packages of Open vSwitch for hosts that cannot install any.

    For hosts whose sources have no Open vSwitch or an old one, or that reach no source. `packages: {from: debs}` in
    the mesh file makes `apply` carry them."""
)


@app.callback()
def _group() -> None:
    """Its one verb is named all the same."""


@app.command("build", cls=Command)
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
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the packages go.")] = Path("debs"),
    check: Annotated[
        bool, typer.Option("--check", help="Run the tests of the package too, which may take hours.")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep installed there what the build needed.")] = False,
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    json: options.Json = False,
) -> None:
    """Build .debs of Open vSwitch on a host, and fetch them.

    HOST is one of the mesh file or any that ssh reaches. The build runs in a fresh folder there; what had to be
    installed for it is removed again. Its log lies beside the packages. The environment variable DEB_BUILD_OPTIONS is
    passed on.
    """
    from dockmesh.cli.screens import progress
    from dockmesh.cli.work import packages as work

    progress.choose(quiet=quiet, verbose=verbose)
    extras = work.Extras(check=check, keep=keep)
    work.build_packages(on, source, to, extras, file=file, ssh_config=ssh_config, json=json)
