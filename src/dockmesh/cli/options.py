"""Options that mean the same in every verb."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dockmesh.cli import complete
from dockmesh.errors import UsageError

if TYPE_CHECKING:
    from dockmesh.plan.types import HostPlan, Plan

DEFAULT_FILE = Path("dockmesh.yaml")
FILE_VARIABLE = "DOCKMESH_FILE"
TARGET = "[NAME=][USER@]HOST[:PORT][=UNDERLAY]"
ABOUT_TARGET = (
    "As you would give it to ssh; NAME is its name in the mesh. An address after a name is its UNDERLAY: the address "
    "at which the other hosts reach it."
)

# For verbs that only read it.
File = Annotated[
    Path,
    typer.Option(
        "--file",
        "-f",
        metavar="FILE",
        envvar=FILE_VARIABLE,
        help="The mesh file; `-` reads it from standard input.",
        show_default=True,
    ),
]
# For verbs that write it, or keep something beside it.
OwnFile = Annotated[
    Path,
    typer.Option(
        "--file",
        "-f",
        metavar="FILE",
        envvar=FILE_VARIABLE,
        help="The mesh file.",
        callback=lambda file: kept(file),  # noqa: PLW0108  it stands below
    ),
]
# For verbs in which -f means something else.
LongFile = Annotated[
    Path,
    typer.Option(
        "--file", metavar="FILE", envvar=FILE_VARIABLE, help="The mesh file; `-` reads it from standard input."
    ),
]
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
Svg = Annotated[
    Path | None, typer.Option("--svg", metavar="FILE", help="Also draw it, as a picture in SVG, into this file.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
NeverAsks = Annotated[bool, typer.Option("--yes", "-y", help="Accepted for scripts; this asks nothing.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Do not show the progress of each host.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show each step of each host on its own line, with the time.")
]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify/--no-verify", help="Whether to verify the mesh afterwards, if the run was for all its hosts."
    ),
]
ConfirmTimeout = Annotated[
    int,
    typer.Option(min=10, help="Seconds without contact until a host rolls back.", metavar="SECONDS"),
]
Hosts = Annotated[
    list[str] | None,
    typer.Option(
        "--host",
        help="Only this host; for several, separate them by commas or repeat the option.",
        metavar="NAME",
        autocompletion=complete.hosts,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change in the file; change nothing.")]
ContainerName = Annotated[
    str,
    typer.Argument(
        metavar="CONTAINER",
        help="Its name, NAME.HOST if several hosts have one of that name, or the first characters of its ID.",
        show_default=False,
        autocompletion=complete.containers,
    ),
]
Preflight = Annotated[
    bool,
    typer.Option(
        "--preflight/--no-preflight", help="Whether to run preflight's checks on hosts that are new to the mesh."
    ),
]


def kept(file: Path) -> Path:
    """Raises UsageError for standard input, which nothing can be written to or kept beside."""
    if str(file) == "-":
        raise UsageError(
            "the mesh file cannot come from standard input here: it is written, or something is kept beside it",
            do="name a file with -f",
        )
    return file


def split(names: list[str] | None) -> list[str]:
    """`--host a,b --host c` as three names."""
    return [name for text in names or () for part in text.split(",") if (name := part.strip())]


def choose_hosts(plan: "Plan", names: list[str] | None) -> "tuple[HostPlan, ...]":
    """The named hosts in the order of the plan, or all of them.

    Raises UsageError for a name that the file does not have.
    """
    known = [host.name for host in plan.hosts]
    wanted = split(names)
    if names and not wanted:
        raise UsageError("--host names no host", do=f"the hosts are {', '.join(known)}")
    if unknown := [name for name in wanted if name not in known]:
        raise UsageError(f"the file has no host {', '.join(unknown)}", do=f"its hosts are {', '.join(known)}")
    return tuple(host for host in plan.hosts if not wanted or host.name in wanted)
