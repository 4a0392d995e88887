"""What a measurement leaves: a line of the table."""

import statistics
import sys
from dataclasses import dataclass

WHOLE = ("ms", "MiB", "lost", "times")


@dataclass(frozen=True, slots=True)
class Row:
    """`each`: the target is one for the worst run, not for the median. `least`: to be reached, not to be kept below."""

    what: str
    values: tuple[float, ...]
    unit: str
    target: float | None = None
    each: bool = False
    least: bool = False

    def text(self) -> str:
        """A line of the table."""
        median = statistics.median(self.values)
        digits = 0 if self.unit in WHOLE else 2
        low, high = min(self.values), max(self.values)
        spread = f"{low:.{digits}f}–{high:.{digits}f}"
        cells = [self.what, f"{median:.{digits}f} {self.unit}", spread, str(len(self.values)), *self._verdict()]
        return f"| {' | '.join(cells)} |"

    def _verdict(self) -> tuple[str, str]:
        if self.target is None:
            return "", ""
        target = f"{self.target:g} {self.unit}"
        if not self.each:
            return target, "**missed**" if self._misses(statistics.median(self.values), self.target) else "met"
        missed = sum(self._misses(value, self.target) for value in self.values)
        return f"{target}, each", f"**missed** {missed} of {len(self.values)} times" if missed else "met"

    def _misses(self, value: float, target: float) -> bool:
        return value < target if self.least else value > target


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
