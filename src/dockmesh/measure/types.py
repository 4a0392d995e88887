"""What is measured of a mesh, how much of it, and what came out. Rates are of what arrives, of payloads."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from statistics import median, quantiles

from dockmesh.errors import DockmeshError


class Figure(StrEnum):
    """In the order in which they are taken."""

    LATENCY = "latency"
    GOODPUT = "goodput"
    ALL_PAIRS = "all-pairs"
    PACKETS = "packets"


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} → {self.target}"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long each figure is taken, and the most that is sent meanwhile."""

    seconds: float = 2.0
    limit_mbit: int = 500  # by one host, all its streams together
    packets: int = 20_000  # a second, of datagrams
    pairs: int = 12  # that are measured one after another
    figures: tuple[Figure, ...] = tuple(Figure)


@dataclass(frozen=True, slots=True)
class Step:
    """What is measured at one time; `pairs` at once."""

    figure: Figure
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Pings:
    """Round trips of one pair: how many were sent, and the microseconds of each that came back."""

    sent: int
    us: tuple[int, ...]

    @property
    def median_ms(self) -> float | None:
        return median(self.us) / 1000 if self.us else None

    @property
    def p95_ms(self) -> float | None:
        """Of fewer than two answers, what there is."""
        if len(self.us) < 2:
            return self.median_ms
        return quantiles(self.us, n=20, method="inclusive")[-1] / 1000


@dataclass(frozen=True, slots=True)
class Stream:
    """Bytes of one TCP connection that arrived, and the seconds from the first to the last."""

    bytes: int
    seconds: float

    @property
    def mbit(self) -> float:
        """Mbit/s."""
        return self.bytes * 8 / self.seconds / 1e6


@dataclass(frozen=True, slots=True)
class Datagrams:
    sent: int
    arrived: int
    seconds: float  # from the first that arrived to the last

    @property
    def per_second(self) -> float:
        return self.arrived / self.seconds if self.seconds else 0.0

    @property
    def lost(self) -> float:
        """The share that did not arrive, 0 to 1; one that came twice makes it no less than 0."""
        return max(0.0, 1 - self.arrived / self.sent) if self.sent else 0.0


@dataclass(frozen=True, slots=True)
class Missing:
    """A figure that could not be taken, and why."""

    reason: str


Taken = Pings | Stream | Datagrams | Missing


@dataclass(frozen=True, slots=True)
class Report:
    """All figures; hosts in the order of the plan, `gone` those that could not be asked."""

    name: str
    hosts: tuple[str, ...]
    pace: Pace
    figures: Mapping[Figure, Mapping[Pair, Taken]]
    gone: Mapping[str, DockmeshError]

    def pings(self) -> dict[Pair, Pings]:
        taken = self.figures.get(Figure.LATENCY, {})
        return {pair: each for pair, each in taken.items() if isinstance(each, Pings)}

    def streams(self, figure: Figure) -> dict[Pair, Stream]:
        """`figure` is goodput or all-pairs."""
        return {pair: each for pair, each in self.figures.get(figure, {}).items() if isinstance(each, Stream)}

    def datagrams(self) -> dict[Pair, Datagrams]:
        taken = self.figures.get(Figure.PACKETS, {})
        return {pair: each for pair, each in taken.items() if isinstance(each, Datagrams)}

    @property
    def missing(self) -> tuple[tuple[Figure, Pair, str], ...]:
        """What could not be taken, and why."""
        return tuple(
            (figure, pair, each.reason)
            for figure, taken in self.figures.items()
            for pair, each in taken.items()
            if isinstance(each, Missing)
        )

    @property
    def complete(self) -> bool:
        """Whether every figure was taken."""
        return not self.gone and not self.missing

    @property
    def total_mbit(self) -> float:
        """Of all pairs at once, together."""
        return sum(each.mbit for each in self.streams(Figure.ALL_PAIRS).values())
