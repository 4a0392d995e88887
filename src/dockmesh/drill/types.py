"""What a drill does, what it predicts, what it sees and what it finds, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dockmesh.pings.log import Ping
from dockmesh.plan.resilience import Term
from dockmesh.verify.types import Verdict, worst

Pair = tuple[str, str]  # who pings, and who is pinged


class FaultKind(StrEnum):
    CUT = "cut"
    ONE_WAY = "one-way"
    LOSSY = "lossy"
    SLOW = "slow"
    PARTITION = "partition"
    CRASH = "crash"
    REBOOT = "reboot"
    SWITCH = "switch"
    DOCKER = "docker"


@dataclass(frozen=True, slots=True)
class Fault:
    """One harm. `hosts`: the two ends of a link, the one side of a partition, or the hosts that are harmed at once."""

    kind: FaultKind
    hosts: tuple[str, ...]
    amount: int | None = None  # percent that is lost, or kbit/s that pass

    def __str__(self) -> str:
        """As the command line takes it."""
        unit = {FaultKind.LOSSY: "%", FaultKind.SLOW: "kbit"}.get(self.kind, "")
        return f"{self.kind}:{','.join([*self.hosts, *([f'{self.amount}{unit}'] if self.amount is not None else [])])}"


class PairState(StrEnum):
    """What a pair is expected to be while the fault lasts."""

    CONNECTED = "connected"
    APART = "apart"  # no ping may be answered at its end, or there is a way that the plan does not know
    OPEN = "open"  # nothing is promised, or nobody is there to measure


@dataclass(frozen=True, slots=True)
class Allowance:
    """The longest outage that is allowed, as a sum of terms."""

    terms: tuple[Term, ...]

    @property
    def ms(self) -> int:
        return sum(term.most for term in self.terms)


@dataclass(frozen=True, slots=True)
class Expected:
    """Of one ordered pair. `during` counts where it is CONNECTED; `after` from the heal on, or from the end of it."""

    state: PairState
    during: Allowance
    after: Allowance
    why: str  # in words


Prediction = Mapping[Pair, Expected]


@dataclass(frozen=True, slots=True)
class Times:
    """When what happened, by our own clock, in seconds since 1970."""

    start: float  # the baseline is measured from here on
    fault: float  # it is about to be done
    harmed: float  # it is done
    heal: float  # its undoing is about to begin; of a fault that heals by itself, the moment when it had
    healed: float
    end: float


@dataclass(frozen=True, slots=True)
class FaultEvidence:
    """Of one fault. The pings before it are the baseline. `lacks`: why it was no fault."""

    times: Times
    interval_ms: int
    pings: Mapping[Pair, tuple[Ping, ...]]
    lacks: str | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """What was measured of a pair in one phase; `gap_ms` None: nothing was."""

    gap_ms: float | None
    lost: int
    sent: int
    verdict: Verdict | None  # None: nothing was promised, and nothing is judged
    why: str = ""  # where it did not pass


@dataclass(frozen=True, slots=True)
class PairResult:
    pair: Pair
    expected: Expected
    during: Observed
    after: Observed

    @property
    def verdict(self) -> Verdict:
        """Of what was promised; what comes after is always."""
        return worst(seen.verdict for seen in (self.during, self.after) if seen.verdict is not None)


@dataclass(frozen=True, slots=True)
class FaultResult:
    """Of one fault. `noise_ms`: what this machine or the hosts missed by themselves, without any fault."""

    fault: Fault
    evidence: FaultEvidence
    pairs: tuple[PairResult, ...]
    noise_ms: float

    @property
    def verdict(self) -> Verdict:
        if self.evidence.lacks:
            return Verdict.UNKNOWN
        return worst(pair.verdict for pair in self.pairs)
