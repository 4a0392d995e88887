"""Options that mean the same in every verb."""

from pathlib import Path
from typing import Annotated

import typer

from dockmesh.errors import UsageError
from dockmesh.plan.types import HostPlan, Plan

File = Annotated[Path, typer.Option("--file", "-f", help="The mesh file.", show_default=True)]
SshConfig = Annotated[
    Path | None,
    typer.Option(
        "--ssh-config",
        help="Read this ssh_config in place of ~/.ssh/config and the system's.",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines and nothing else.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Verify = Annotated[
    bool, typer.Option("--verify/--no-verify", help="Whether to prove the mesh after a change of all its hosts.")
]
ConfirmTimeout = Annotated[
    int,
    typer.Option(
        min=10, help="Seconds after which a host that hears nothing of us goes back to what it was.", metavar="SECONDS"
    ),
]
Hosts = Annotated[
    list[str] | None, typer.Option("--host", help="Only this host; may be given several times.", metavar="NAME")
]
ContainerName = Annotated[
    str,
    typer.Argument(
        metavar="CONTAINER",
        help="Its name, NAME.HOST where several hosts have one, or the beginning of its identifier.",
        show_default=False,
    ),
]
Preflight = Annotated[
    bool,
    typer.Option(
        "--preflight/--no-preflight", help="Whether a host that is new to the mesh is looked at for what keeps it out."
    ),
]

DEFAULT_FILE = Path("dockmesh.yaml")


def choose_hosts(plan: Plan, names: list[str] | None) -> tuple[HostPlan, ...]:
    """The named hosts in the order of the plan, or all of them.

    Raises UsageError for a name that the file does not have.
    """
    known = [host.name for host in plan.hosts]
    if unknown := [name for name in names or () if name not in known]:
        raise UsageError(f"the file has no host {', '.join(unknown)}", do=f"its hosts are {', '.join(known)}")
    return tuple(host for host in plan.hosts if not names or host.name in names)
