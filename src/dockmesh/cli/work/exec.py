"""`dockmesh exec`."""

import sys
from dataclasses import dataclass
from pathlib import Path

from dockmesh.cli.work.in_container import Order, run
from dockmesh.containers.types import Container
from dockmesh.errors import UsageError
from dockmesh.meshfile.source import STANDARD_INPUT


@dataclass(frozen=True, slots=True)
class ExecOptions:
    """What the command line asked for."""

    interactive: bool = False
    tty: bool = False
    detach: bool = False
    env: tuple[str, ...] = ()
    user: str | None = None
    workdir: str | None = None

    def words(self, container: str, command: list[str]) -> tuple[str, ...]:
        return (
            *("docker", "exec"),
            *(("--interactive",) if self.interactive else ()),
            *(("--tty",) if self.tty else ()),
            *(("--detach",) if self.detach else ()),
            *(word for setting in self.env for word in ("--env", setting)),
            *(("--user", self.user) if self.user is not None else ()),
            *(("--workdir", self.workdir) if self.workdir is not None else ()),
            container,
            *command,
        )


def exec_in(
    name: str, command: list[str], opts: ExecOptions, *, file: Path, ssh_config: Path | None, host: list[str] | None
) -> None:
    argv = command[1:] if command[:1] == ["--"] else command
    if not argv:
        raise UsageError("there is no command to run", do=f"name one, for example `dockmesh exec {name} -- ls`")
    if opts.tty and not sys.stdin.isatty():
        raise UsageError("--tty needs a terminal, and standard input is none here", do="leave -t out")
    if opts.interactive and opts.detach:
        raise UsageError("--interactive and --detach do not go together", do="leave one of them out")
    if opts.interactive and file == STANDARD_INPUT:
        raise UsageError(
            "standard input cannot be both the mesh file and what the command reads", do="name a file with -f"
        )

    def words(container: Container) -> tuple[str, ...]:
        return opts.words(container.id, argv)

    order = Order("exec", words, running=True, terminal=opts.tty, reads=opts.interactive)
    sys.exit(run(name, order, file, ssh_config, host))  # whatever it is: 130 of a command is no Ctrl-C of ours
