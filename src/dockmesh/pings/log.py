"""What agent/pinger.py says, read: pings, outages and silences. Pure."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

# A ping that has no answer after so long counts as lost, until one comes.
DECIDED_MS = 1000
# Longer than so many seconds without a ping being sent, nothing was measured: its host was away, or the pinger.
HOLE_S = 1.0
# A pinger's lines are shorter than the first, and its numbers than the second: microseconds since 1970 have 16 digits.
MOST_CHARACTERS, MOST_DIGITS = 200, 18


@dataclass(frozen=True, slots=True)
class Ping:
    """`sent_s` by our own clock, in seconds since 1970; `rtt_ms` None: no answer."""

    sent_s: float
    rtt_ms: float | None


@dataclass(frozen=True, slots=True)
class Outage:
    """A run of pings without an answer, in seconds by our own clock; `open`: there was none until the end."""

    start_s: float
    end_s: float
    lost: int
    open: bool = False

    @property
    def ms(self) -> float:
        return (self.end_s - self.start_s) * 1000


@dataclass(frozen=True, slots=True)
class PingStats:
    """Of one target. The longest time between two answers, less the interval, and the time since the last one.

    Both are None if there was no answer. `twice`: answers to a ping that had one already, as in a loop.
    """

    sent: int
    answered: int
    twice: int
    longest_ms: float | None
    silent_ms: float | None


@dataclass(slots=True)
class PingLog:
    """What a pinger has said so far, of its targets in the order of its arguments.

    `ahead_s`: how much the host's clock is before ours. `late_ms`: an answer that comes later is none.
    """

    targets: tuple[str, ...]
    interval_ms: float
    ahead_s: float = 0.0
    late_ms: float = math.inf
    read: int = 0  # bytes
    _rest: str = ""
    _sent_s: list[float] = field(default_factory=list)  # of each round, by our clock; the first has number 1
    _rtt_ms: list[dict[int, float]] = field(default_factory=list)  # of each round, by place of the target
    _twice: Counter[int] = field(default_factory=Counter)

    def take(self, text: str) -> None:
        """More of its lines; the last may not be whole yet.

        Raises ValueError for a line that no pinger writes.
        """
        *lines, self._rest = (self._rest + text).split("\n")
        if len(self._rest) > MOST_CHARACTERS:
            raise ValueError(f"a line of a pinger without end: {self._rest[:MOST_CHARACTERS]!a}")
        for line in lines:
            kind, *words = line.split()
            numbers = [_number(word) for word in words]
            match kind, numbers:
                case "R", [_, sent_us]:
                    self._sent_s.append(sent_us / 1e6 - self.ahead_s)
                    self._rtt_ms.append({})
                case "A", [number, place, took_us] if 1 <= number <= len(self._rtt_ms) and place < len(self.targets):
                    self._answer(number, place, took_us)
                case _:
                    raise ValueError(f"a line that no pinger writes: {line[:MOST_CHARACTERS]!a}")

    def _answer(self, number: int, place: int, took_us: int) -> None:
        if took_us <= self.late_ms * 1000:
            answers = self._rtt_ms[number - 1]
            self._twice[place] += place in answers
            answers.setdefault(place, took_us / 1000)

    def pings(self, target: str) -> Iterator[Ping]:
        """Without those of the last second that are not answered: they may be yet."""
        place = self.targets.index(target)
        decided_s = self._sent_s[-1] - DECIDED_MS / 1000 if self._sent_s else 0.0
        for sent_s, answers in zip(self._sent_s, self._rtt_ms, strict=True):
            if place in answers or sent_s <= decided_s:
                yield Ping(sent_s, answers.get(place))

    def silent_ms(self, target: str, now_s: float) -> float | None:
        """Since the last ping that was answered; None: there was none."""
        place = self.targets.index(target)
        for sent_s, answers in zip(reversed(self._sent_s), reversed(self._rtt_ms), strict=True):
            if place in answers:
                return (now_s - sent_s) * 1000
        return None

    def stats(self, target: str) -> PingStats:
        pings = list(self.pings(target))
        heard = arrivals(pings)
        silent_ms = max(0.0, self._sent_s[-1] - heard[-1]) * 1000 if heard else None
        return PingStats(
            sent=len(pings),
            answered=len(heard),
            twice=self._twice[self.targets.index(target)],
            longest_ms=None if silent_ms is None else max(silent_ms, longest_silence_ms(heard, self.interval_ms)),
            silent_ms=silent_ms,
        )


def _number(word: str) -> int:
    if not (word.isascii() and word.isdecimal() and len(word) <= MOST_DIGITS):
        raise ValueError(f"a number that no pinger writes: {word[:MOST_CHARACTERS]!a}")
    return int(word)


def arrivals(pings: Sequence[Ping]) -> tuple[float, ...]:
    """When answers came, sorted, in seconds since 1970."""
    return tuple(sorted(ping.sent_s + ping.rtt_ms / 1000 for ping in pings if ping.rtt_ms is not None))


def longest_silence_ms(arrived: Sequence[float], interval_ms: float) -> float:
    """The longest time between two answers, less the interval."""
    longest_s = max((later - earlier for earlier, later in pairwise(arrived)), default=0.0)
    return max(0.0, longest_s * 1000 - interval_ms)


def outages(pings: Sequence[Ping], interval_ms: float) -> tuple[Outage, ...]:
    """Runs of pings that were not answered, each from the first of them to the next that was.

    A run ends where nothing was measured, too. Pings that were sent late, because their host had no time for us, are
    no outage: only what was sent and lost is.
    """
    found: list[Outage] = []
    run: list[Ping] = []
    for ping in pings:
        if run and ping.sent_s - run[-1].sent_s > HOLE_S:
            found.append(_open(run, interval_ms))
            run = []
        if ping.rtt_ms is None:
            run.append(ping)
        elif run:
            found.append(Outage(run[0].sent_s, ping.sent_s, len(run)))
            run = []
    return (*found, _open(run, interval_ms)) if run else tuple(found)


def _open(run: Sequence[Ping], interval_ms: float) -> Outage:
    return Outage(run[0].sent_s, run[-1].sent_s + interval_ms / 1000, len(run), open=True)
