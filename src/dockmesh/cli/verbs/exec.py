"""`dockmesh exec`."""

from typing import Annotated

import typer

from dockmesh.cli import options

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
        bool, typer.Option("--interactive", "-i", help="Pass standard input on; without it the command has none.")
    ] = False,
    tty: Annotated[bool, typer.Option("--tty", "-t", help="Give it a terminal: `-it` for a shell.")] = False,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Start it, and do not wait for it.")] = False,
    env: Annotated[
        list[str] | None,
        typer.Option(
            "--env", "-e", metavar="NAME=VALUE", help="Set this environment variable; may be given several times."
        ),
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", "-u", help="Run as this user in the container.", metavar="USER")
    ] = None,
    workdir: Annotated[
        str | None, typer.Option("--workdir", "-w", help="Run in this folder of the container.", metavar="FOLDER")
    ] = None,
    file: options.File = options.DEFAULT_FILE,
    ssh_config: options.SshConfig = None,
    host: options.Hosts = None,
) -> None:
    """Run a command in a container, on whichever host it is.

    Options go before the container's name; what follows it belongs to the command: `dockmesh exec -it web -- sh`.
    The exit code is that of the command, as `docker exec` gives it; 255 also if ssh fails.
    """
    from dockmesh.cli.work import exec as work

    opts = work.ExecOptions(
        interactive=interactive, tty=tty, detach=detach, env=tuple(env or ()), user=user, workdir=workdir
    )
    work.exec_in(name, command, opts, file=file, ssh_config=ssh_config, host=host)
