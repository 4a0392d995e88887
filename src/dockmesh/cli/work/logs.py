"""`dockmesh logs`."""

import sys
from dataclasses import dataclass
from pathlib import Path

from dockmesh.cli.work.in_container import Order, run
from dockmesh.containers.types import Container


@dataclass(frozen=True, slots=True)
class LogsOptions:
    """What the command line asked for."""

    follow: bool = False
    tail: int | None = None
    timestamps: bool = False
    since: str | None = None

    def words(self, container: str) -> tuple[str, ...]:
        return (
            *("docker", "logs"),
            *(("--follow",) if self.follow else ()),
            *(("--tail", str(self.tail)) if self.tail is not None else ()),
            *(("--timestamps",) if self.timestamps else ()),
            *(("--since", self.since) if self.since is not None else ()),
            container,
        )


def logs(name: str, opts: LogsOptions, file: Path, ssh_config: Path | None, host: list[str] | None) -> None:
    def words(container: Container) -> tuple[str, ...]:
        return opts.words(container.id)

    try:
        code = run(name, Order("logs", words), file, ssh_config, host)
    except KeyboardInterrupt:
        if not opts.follow:
            raise
        code = 0
    sys.exit(code)  # whatever it is: 130 of a command is no Ctrl-C of ours
