"""What a measurement leaves: a line of the table."""

import statistics
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    values: tuple[float, ...]
    unit: str
    target: float | None = None

    def text(self) -> str:
        """A line of the table."""
        median = statistics.median(self.values)
        digits = 0 if self.unit in ("ms", "MiB") else 2
        low, high = min(self.values), max(self.values)
        spread = f"{low:.{digits}f}–{high:.{digits}f}"
        cells = [self.what, f"{median:.{digits}f} {self.unit}", spread, str(len(self.values)), *self._verdict(median)]
        return f"| {' | '.join(cells)} |"

    def _verdict(self, median: float) -> tuple[str, str]:
        if self.target is None:
            return "", ""
        return f"{self.target:g} {self.unit}", "met" if median <= self.target else "**missed**"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
