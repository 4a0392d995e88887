"""The verbs together. Each is loaded when it is called: to load them all takes longer than most of them run."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from dockmesh import __version__
from dockmesh.cli.command import Group, single, switched_off
from dockmesh.errors import UsageError

# In the order in which the help shows them, each with the first paragraph of its own help: modules of `verbs`, with a
# function of the same name or an `app` of verbs.
GROUPS: Mapping[str, Mapping[str, str]] = {
    "Every day": {
        "init": "Write a mesh file for these hosts; an existing file is never overwritten.",
        "plan": "Show what follows from the file: addresses, tunnels, MTU, graph. Contacts no host.",
        "apply": "Make the mesh real on every host, then verify it.",
        "verify": "Measure every pair of hosts and of containers, and explain each failure.",
        "status": "Show the mesh as it is now: hosts, tunnels, paths, drift, locks; and what is wrong.",
    },
    "Containers": {
        "ps": "Show the containers of all hosts.",
        "logs": "Show the output of a container, on whichever host it is.",
        "exec": "Run a command in a container, on whichever host it is.",
        "context": "Write contexts for Docker's command line, one for each host.",
        "access": "Give and revoke access to Docker's API on the hosts.",
    },
    "Changes": {
        "host": "Add hosts to the mesh file, or remove them.",
        "network": "Add container networks to the mesh file, or remove them.",
        "preflight": "Check every host for problems, before anything is changed.",
        "rekey": "Give every two linked hosts a new preshared key for their encryption.",
        "diff": "Show what differs between file and hosts: changes of the file, and drift.",
    },
    "Safety": {
        "history": "Show the runs that changed hosts, and how they ended.",
        "rollback": "Apply the mesh file of an earlier run again.",
        "unlock": "End a run that hangs and holds a host's lock, and roll it back.",
        "destroy": "Leave the hosts as they were before the first apply.",
    },
    "Lab and measurement": {
        "lab": "Start hosts on this machine to try a mesh on.",
        "measure": "Measure latency, goodput and packets a second between the hosts of the mesh.",
        "drill": "Inject faults into a mesh and measure whether it behaves as predicted.",
    },
    "For other tools": {
        "render": "Write the files of each host into a folder, to be installed by other means.",
        "schema": "Print the JSON Schema of dockmesh.yaml, for editors.",
        "packages": "Build packages of Open vSwitch for hosts that cannot install any.",
    },
}
VERBS = {name: about for verbs in GROUPS.values() for name, about in verbs.items()}
# What people type who know another program.
HINTS = {
    "up": "`dockmesh apply` makes the mesh real; `dockmesh lab up` makes hosts to try it on",
    "down": "`dockmesh destroy` removes the mesh from the hosts; `dockmesh lab down` ends a lab",
    "version": "`dockmesh --version` shows it",
    "help": "`dockmesh --help` shows the commands, `dockmesh apply --help` the options of one",
    "add": "`dockmesh host add` and `dockmesh network add` add something to the mesh file",
    "create": "`dockmesh init` writes a mesh file, `dockmesh network add` adds a network to it",
    "remove": "`dockmesh host remove` and `dockmesh network remove` remove something from the mesh file",
    "delete": "`dockmesh host remove` removes a host from the mesh file, `dockmesh destroy` the mesh from the hosts",
    "list": "`dockmesh plan` lists the hosts, `dockmesh ps` their containers",
    "validate": "`dockmesh plan` reads the file, and names every mistake in it",
    "check": "`dockmesh preflight` checks the hosts beforehand, `dockmesh verify` measures the mesh",
    "test": "`dockmesh verify` proves the mesh",
    "bench": "`dockmesh measure` says how fast the mesh is",
    "deploy": "`dockmesh apply` makes the mesh real",
    "sync": "`dockmesh apply` makes the mesh real",
    "start": "`dockmesh apply` makes the mesh real; it comes back by itself at a boot",
    "stop": "`dockmesh destroy` removes the mesh from the hosts",
    "undo": "`dockmesh rollback` applies an earlier file again",
    "run": "`dockmesh exec CONTAINER COMMAND` runs something in a container",
    "ssh": "`dockmesh exec CONTAINER sh` goes into a container, `dockmesh lab ssh HOST` to a host of a lab",
    "config": "`dockmesh schema` describes the mesh file, `dockmesh plan` shows what follows from it",
}
HINTS |= {"ls": HINTS["list"], "rm": HINTS["remove"], "uninstall": HINTS["stop"]}


class Later(TyperCommand):
    """A verb that is loaded when it is called; until then there is its name and what it is for."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return verb(str(self.name)).make_context(info_name, args, parent, **extra)


class Root(Group):
    def sections(self) -> Mapping[str, Sequence[str]]:
        return {title: tuple(verbs) for title, verbs in GROUPS.items()}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in HINTS and not ctx.resilient_parsing:
            raise UsageError(f"there is no command {cmd_name}", do=HINTS[cmd_name])
        return super().get_command(ctx, cmd_name)


def build() -> Any:
    """The whole command line."""
    app = typer.Typer(
        cls=Root,
        invoke_without_command=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        help="""Docker containers on several servers as if on one switch.

        One file, `dockmesh.yaml`, describes the mesh; dockmesh sets it up on every host over SSH, and verifies it.

        Start with `dockmesh init HOST…`, look with `dockmesh plan`, then `dockmesh apply`.
        To try it on this machine alone: `dockmesh lab up`.
        """,
        epilog="Exit codes: 0 done, 1 failed, 2 usage or a bad file, 3 a bug of dockmesh, 130 interrupted.",
    )
    app.callback()(_main)
    root: Any = typer.main.get_command(app)
    for parameter in root.params:
        switched_off(parameter)
    for name, about in VERBS.items():
        root.add_command(Later(name, help=about, rich_markup_mode=None))
    return root


def verb(name: str) -> Any:
    """The command itself, which loads what it is made of."""
    module = import_module(f"dockmesh.cli.verbs.{name}")
    if hasattr(module, "app"):
        command: Any = typer.main.get_command(module.app)
    else:
        command = single(getattr(module, name), getattr(module, "CONTEXT_SETTINGS", None))
    command.name = name
    return command


def complete() -> Any:
    """The command line with every verb loaded, for who writes about them all."""
    root = build()
    for name in VERBS:
        root.add_command(verb(name), name)
    return root


def _say_version(*, wanted: bool) -> None:
    if wanted:
        print(f"dockmesh {__version__}")  # noqa: T201
        raise typer.Exit


def _main(
    ctx: typer.Context,
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=lambda value: _say_version(wanted=value), is_eager=True, help="Its version."
        ),
    ] = False,
) -> None:
    if ctx.invoked_subcommand is None:
        from dockmesh.cli.work.next_step import show_next_step

        show_next_step()
