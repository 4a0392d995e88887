"""`dockmesh exec`."""

import sys
from typing import Annotated

import typer

from dockmesh.cli import options
from dockmesh.cli.in_container import Order, run
from dockmesh.containers.types import Container
from dockmesh.errors import UsageError

# What follows the container's name is the command's, options too, as `docker exec` has it.
CONTEXT_SETTINGS = {"allow_interspersed_args": False}


def exec(  # noqa: A001 — the verb is called so
    name: options.ContainerName,
    command: Annotated[
        list[str],
        typer.Argument(metavar="COMMAND", help="What to run in it, with its arguments.", show_default=False),
    ],
    *,
    interactive: Annotated[
        bool, typer.Option("--interactive", "-i", help="Give it our standard input; else it has none.")
    ] = False,
    tty: Annotated[bool, typer.Option("--tty", "-t", help="Give it a terminal: `-it` for a shell.")] = False,
    user: Annotated[
        str | None, typer.Option("--user", "-u", help="As this user in the container.", metavar="USER")
    ] = None,
    workdir: Annotated[
        str | None, typer.Option("--workdir", "-w", help="In this folder of the container.", metavar="FOLDER")
    ] = None,
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
) -> None:
    """Run a command in a container, on whatever host it is.

    Options stand before the container's name; what follows it is the command's: `dockmesh exec -it web -- sh`.
    The exit code is that of the command, as `docker exec` gives it; 255 also if ssh fails.
    """
    argv = command[1:] if command[:1] == ["--"] else command
    if not argv:
        raise UsageError("there is no command to run", do=f"say one, for example `dockmesh exec {name} -- ls`")
    if tty and not sys.stdin.isatty():
        raise UsageError("--tty needs a terminal, and standard input is none here", do="leave -t out")

    def words(container: Container) -> tuple[str, ...]:
        return (
            *("docker", "exec"),
            *(("--interactive",) if interactive else ()),
            *(("--tty",) if tty else ()),
            *(("--user", user) if user is not None else ()),
            *(("--workdir", workdir) if workdir is not None else ()),
            container.id,
            *argv,
        )

    order = Order("exec", words, running=True, terminal=tty, reads=interactive)
    sys.exit(run(name, order, file, ssh_config, host))  # whatever it is: 130 of a command is no Ctrl-C of ours
