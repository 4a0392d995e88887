"""Pings from every host to every other at once, by their bridge addresses, read while they run."""

import base64
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dockmesh.drill.types import Ping
from dockmesh.remote.script import source_of
from dockmesh.remote.seam import GetBytes, Put, Run, Transport, demand

UNIT = "dockmesh-drill-pings"
FOLDER = "/run/dockmesh-drill"
FILE = f"{FOLDER}/pings"
LIFE_S = 600  # a pinger whose drill was killed ends by itself
PIECE = 1 << 20
CLOCK_TRIES = 3
LATE_MS = 1000  # an answer that comes later is none
ROUNDS = 1 << 16


@dataclass(slots=True)
class Log:
    """What a pinger has said so far. `ahead_s`: how much the host's clock is before ours."""

    targets: tuple[str, ...]
    ahead_s: float = 0.0
    rounds: list[tuple[int, float]] = field(default_factory=list)  # number, and when it was sent by our clock
    answers: list[dict[int, float]] = field(default_factory=list)  # a round, by place of the target: milliseconds
    read: int = 0
    rest: str = ""
    _latest: dict[int, int] = field(default_factory=dict)

    def take(self, text: str) -> None:
        """Lines of agent/pings.py, the last perhaps not whole yet."""
        *lines, self.rest = (self.rest + text).split("\n")
        for line in lines:
            kind, *numbers = line.split()
            values = [int(number) for number in numbers]
            if kind == "R":
                self._latest[values[0]] = len(self.rounds)
                self.rounds.append((values[0], values[1] / 1e6 - self.ahead_s))
                self.answers.append({})
            elif (place := self._latest.get(values[0])) is not None and values[2] <= LATE_MS * 1000:
                self.answers[place].setdefault(values[1], values[2] / 1000)

    def pings(self, target: str) -> Iterator[Ping]:
        """Without those of the last second that are not answered: they may be yet."""
        place = self.targets.index(target)
        decided_s = self.rounds[-1][1] - LATE_MS / 1000 if self.rounds else 0.0
        for (_, sent_s), answers in zip(self.rounds, self.answers, strict=True):
            if place in answers or sent_s <= decided_s:
                yield Ping(sent_s, answers.get(place))

    def silent_ms(self, target: str, now_s: float) -> float | None:
        """Since the last ping that was answered; None: there was none."""
        place = self.targets.index(target)
        for (_, sent_s), answers in zip(reversed(self.rounds), reversed(self.answers), strict=True):
            if place in answers:
                return (now_s - sent_s) * 1000
        return None


async def start(host: Transport, targets: Mapping[str, str], interval_ms: int) -> Log:
    """Ping the targets, by name and address, until `stop` or for ten minutes.

    Raises ConnectError, and CommandError where it cannot be started.
    """
    files = {f"{FOLDER}/dockmesh/__init__.py": "", f"{FOLDER}/dockmesh/agent/__init__.py": ""}
    files |= {f"{FOLDER}/dockmesh/agent/{name}.py": source_of(name) for name in ("gap", "pings")}
    unit = ("systemd-run", "--quiet", "--collect", f"--unit={UNIT}", f"--setenv=PYTHONPATH={FOLDER}", "--nice=-5")
    program = ("python3", "-m", "dockmesh.agent.pings", FILE, str(LIFE_S), str(interval_ms), *targets.values())
    await stop(host)
    log = Log(tuple(targets), await clock_ahead_s(host))
    await demand(
        host, "could not start the pings", *(Put(path, text, 0o600) for path, text in files.items()),
        Run((*unit, *program)),
    )  # fmt: skip
    return log


async def stop(host: Transport) -> None:
    """Also what another drill left; it is no error if there is nothing. Raises ConnectError."""
    await host.ask(Run(("systemctl", "stop", f"{UNIT}.service")), Run(("rm", "-rf", FOLDER)))


async def read(host: Transport, log: Log) -> bool:
    """What was written since; False if the pinger has left nothing. Raises ConnectError."""
    while True:
        (answer,) = await host.ask(GetBytes(FILE, log.read, PIECE))
        if not answer.ok or not answer.out:
            return answer.ok
        piece = base64.b64decode(answer.out)
        log.read += len(piece)
        log.take(piece.decode())


async def clock_ahead_s(host: Transport) -> float:
    """How far the host's clock is before ours: of some tries that with the shortest way. Raises ConnectError."""
    best_s, ahead_s = float("inf"), 0.0
    for _ in range(CLOCK_TRIES):
        began = time.time()
        (answer,) = await host.ask(Run(("date", "+%s.%N")))
        took = time.time() - began
        if answer.ok and took < best_s:
            best_s, ahead_s = took, float(answer.out) - began - took / 2
    # Less than half of the way is no difference that can be seen.
    return ahead_s if abs(ahead_s) > best_s / 2 else 0.0
