"""Whoever is told how far a run is; how that is shown is theirs."""

from typing import Protocol


class Steps(Protocol):
    """Told what each host is at."""

    def step(self, host: str, text: str) -> None: ...


class Progress(Steps, Protocol):
    """Told also which hosts are at their end, and how."""

    def done(self, host: str, text: str) -> None: ...

    def failed(self, host: str, text: str) -> None: ...
