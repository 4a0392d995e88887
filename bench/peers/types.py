"""What is measured of a contender, as values. Times say their unit; Mbit/s are 10⁶ bits."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from statistics import mean, median


class Measure(StrEnum):
    """What can be measured, in the order in which it is."""

    LATENCY = "latency"
    GOODPUT = "goodput"
    ALL_PAIRS = "all-pairs"
    PACKETS = "packets"
    CUT = "cut"
    CRASH = "crash"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long and how often. `watch_s`: how long silence is watched before it is called "never"."""

    runs: int
    seconds: int
    watch_s: float
    measures: tuple[Measure, ...] = tuple(Measure)


@dataclass(frozen=True, slots=True)
class Load:
    """The machine's one-minute load average before a figure and after it."""

    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Pair:
    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source}–{self.target}"


@dataclass(frozen=True, slots=True)
class Turns:
    """A figure and the bare underlay's in turns: underlay, own, underlay, …, own, underlay.

    The speed of the machine moves while it is measured, so each own figure is compared with its two neighbours.
    """

    own: tuple[float, ...]
    underlay: tuple[float, ...]  # one more than own

    @property
    def median(self) -> float:
        return median(self.own)

    @property
    def ratios(self) -> tuple[float, ...]:
        """Of each own figure to the mean of the underlay's before and after it."""
        neighbours = zip(self.own, self.underlay, self.underlay[1:], strict=False)
        return tuple(own / mean((before, after)) for own, before, after in neighbours if before + after)

    @property
    def ratio(self) -> float:
        """The median of the ratios; 0 where the underlay carried nothing."""
        return median(self.ratios) if self.ratios else 0.0


@dataclass(frozen=True, slots=True)
class Rtt:
    """Round-trip times of 10 ms pings."""

    median_ms: float
    p95_ms: float
    sent: int
    answered: int


@dataclass(frozen=True, slots=True)
class Latency:
    """Of one pair, and of the underlay between its hosts just before."""

    pair: Pair
    own: Rtt
    underlay: Rtt
    load: Load


@dataclass(frozen=True, slots=True)
class Goodput:
    """What TCP delivers, in Mbit/s, and the processor seconds of all hosts for a gigabit of it.

    `pair` is None where all ordered pairs send at once; the figures are their sums then.
    """

    pair: Pair | None
    mbit: Turns
    cpu_s_per_gbit: Turns
    load: Load


@dataclass(frozen=True, slots=True)
class Packets:
    """UDP datagrams of 64 bytes that arrived, a second, while more were sent."""

    pair: Pair
    per_second: Turns
    load: Load


@dataclass(frozen=True, slots=True)
class Silence:
    """The longest time without an answer since something happened, less the interval of the pings.

    `gap_ms` None: no answer came while it was watched.
    """

    pair: Pair
    gap_ms: float | None
    watched_s: float
    load: Load


@dataclass(frozen=True, slots=True)
class Start:
    """From the first command to the last, and until every container has pinged every other, both in seconds."""

    set_up_s: float
    connected_s: float
    load: Load


@dataclass(frozen=True, slots=True)
class Mtu:
    """Of a container's interface; `passes` is what a packet may have that must not be fragmented, as ping finds it."""

    inside: int
    passes: int | None


@dataclass(frozen=True, slots=True)
class About:
    """What a reader must know of a contender to judge its figures."""

    name: str
    title: str
    datapath: str
    encrypts: bool
    centre: str  # the host that is crashed
    centre_is: str  # what the others have there
    settings: tuple[str, ...]
    remark: str = ""  # what stands beside its share of the underlay's TCP, where that share misleads


@dataclass(frozen=True, slots=True)
class Result:
    """One contender. What is None was not measured; `failed` says why, by measure, where it was tried."""

    about: About
    versions: tuple[str, ...] = ()
    start: Start | None = None
    mtu: Mtu | None = None
    latency: tuple[Latency, ...] = ()
    goodput: tuple[Goodput, ...] = ()
    all_pairs: Goodput | None = None
    packets: Packets | None = None
    cut: Silence | None = None  # of a link of the underlay
    heal: Silence | None = None  # of the same link
    crash: Silence | None = None  # of the contender's centre, between the two others
    back: Silence | None = None  # when the centre starts again
    failed: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    cores: int
    memory_gib: int
    kernel: str
    congestion: str  # TCP's congestion control


@dataclass(frozen=True, slots=True)
class Bench:
    since: str  # UTC
    version: str  # dockmesh's
    machine: Machine
    hosts: int
    pace: Pace
    results: tuple[Result, ...]
    command: str = "make bench-peers"  # which made it
