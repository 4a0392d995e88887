"""What each host is at, live on a terminal, in plain lines elsewhere."""

import time
from enum import Enum, auto
from types import TracebackType
from typing import Self

from rich.markup import escape
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from dockmesh.cli.show import err
from dockmesh.errors import UsageError


class How(Enum):
    """How much of it is shown."""

    FITTING = auto()  # to where it goes
    LINES = auto()  # every step, on a terminal too
    NOTHING = auto()


_how = How.FITTING


def choose(*, quiet: bool, verbose: bool) -> None:
    """For all of this run. Raises UsageError for both."""
    global _how  # noqa: PLW0603  as it is said once, on the command line, and concerns what every stage shows
    if quiet and verbose:
        raise UsageError("--quiet and --verbose do not go together", do="leave one of them out")
    _how = How.NOTHING if quiet else How.LINES if verbose else How.FITTING


class HostProgress:
    """One line a host. Remembers where each is, for whoever interrupts."""

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self.at: dict[str, str] = {}
        self._width = max(map(len, hosts), default=0)
        self._started = time.monotonic()
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}
        if err.is_terminal and _how is How.FITTING:
            self._bars = Bars(
                SpinnerColumn(finished_text="[green]✓[/]"),
                TextColumn("{task.fields[host]}", style="bold"),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                console=err,
            )
            self._tasks = {
                host: self._bars.add_task("connected", total=1, host=host.ljust(self._width)) for host in hosts
            }

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars:
            self._bars.stop()

    def step(self, host: str, text: str) -> None:
        self.at[host] = text
        self._show(host, escape(text) if self._bars else text)

    def done(self, host: str, text: str) -> None:
        self.at.pop(host, None)
        self._show(host, f"[green]{escape(text)}[/]" if self._bars else text, finished=True)

    def failed(self, host: str, text: str) -> None:
        at = self.at.pop(host, None)
        self._show(host, f"[red]✗ {escape(text)}[/]" if self._bars else f"failed{f' at: {at}' if at else ''}: {text}")
        if self._bars:
            self._bars.stop_task(self._tasks[host])

    def _show(self, host: str, text: str, *, finished: bool = False) -> None:
        if self._bars:
            self._bars.update(self._tasks[host], description=text, completed=1 if finished else 0)
        elif _how is not How.NOTHING:
            err.print(f"{time.monotonic() - self._started:6.1f} s  {host.ljust(self._width)}  {text}", markup=False)
