"""Contenders one after another, each in a fresh lab: set up, measured, taken away."""

import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from bench.peers import docker
from bench.peers.contender import Contender
from bench.peers.heal import crash_and_start, cut_and_heal
from bench.peers.site import LoadGauge, Seats, Site, at_once
from bench.peers.traffic import SideBySide, Traffic
from bench.peers.types import Bench, Machine, Measure, Pace, Pair, Result, Start
from dockmesh import __version__
from dockmesh.errors import DockmeshError, LabError
from dockmesh.lab import down as ending
from dockmesh.lab import up as starting
from dockmesh.lab.model import Lab
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.transport.requests import Exec, Request

HOSTS = 3
CONNECTED_WITHIN_S = 60
INSTALLED_WITHIN_S = 300

T = TypeVar("T")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BenchOptions:
    contenders: tuple[Contender, ...]
    pace: Pace
    folder: Path  # for the labs' disks


def bench(opts: BenchOptions, say: Say) -> Iterator[Bench]:
    """Measure all; what is known so far, after each. Interrupted, the lab is taken away first."""
    since = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    results: list[Result] = []
    for contender in opts.contenders:
        with fresh_lab(contender, opts.folder, say) as lab:
            results.append(measured(contender, lab, opts.pace, say))
        yield Bench(since, __version__, machine(), HOSTS, opts.pace, tuple(results))


@contextmanager
def fresh_lab(contender: Contender, folder: Path, say: Say) -> Iterator[Lab]:
    """Raises LabError where the lab cannot be taken away, with its place: `dockmesh lab down --dir` does it then."""
    directory = folder / "lab"
    opts = starting.UpOptions(name="bench", directory=directory, hosts=HOSTS, prepared=True, offers=contender.packages)
    try:
        yield starting.up(opts, say=say)
    finally:
        try:
            ending.down(directory)
            # A record of the apply stands beside the mesh file still; the folder is this run's own.
            shutil.rmtree(directory, ignore_errors=True)
        except (DockmeshError, OSError) as error:
            raise LabError(
                f"the lab in {directory} could not be taken away",
                answered=str(error),
                do=f"dockmesh lab down --dir {directory}",
            ) from error


def measured(contender: Contender, lab: Lab, pace: Pace, say: Say) -> Result:
    """All that is wanted of one contender. What fails is noted, and the rest is measured all the same."""
    work = Work(contender, Site(lab, build(load(lab.mesh_file))), pace, say, Result(contender.about(lab)))
    try:
        work.prepare()
        work.measure()
    except DockmeshError as error:
        work.note("start", error)
    return work.result


@dataclass(slots=True)
class Work:
    contender: Contender
    site: Site
    pace: Pace
    say: Say
    result: Result
    seats: Seats = field(default_factory=dict)

    def tell(self, what: str) -> None:
        self.say(f"{self.result.about.title}: {what}")

    def keep(self, **figures: Any) -> None:
        self.result = replace(self.result, **figures)

    def note(self, measure: str, error: DockmeshError) -> None:
        self.tell(f"{measure} failed: {error}")
        self.keep(failed={**(self.result.failed or {}), measure: str(error)})

    def prepare(self) -> None:
        """Packages and an image first, then what is timed."""
        self.tell("setting up")
        self.site.carry_out("prepare the hosts", lambda _: _preparations(self.contender.packages))
        # What the file says changes with the set-up, and so may what there is to say.
        with LoadGauge() as load:
            began = time.monotonic()
            self.contender.set_up(self.site)
            set_up_s = time.monotonic() - began
            self.seats = self.contender.seats(self.site)
            self.keep(about=self.contender.about(self.site.lab), versions=self._versions())
            wait_until_connected(self.site, self.seats)
            self.keep(start=Start(set_up_s, time.monotonic() - began, load.read()))

    def _versions(self) -> tuple[str, ...]:
        if not self.contender.shown:
            return ()
        form = "${Package} ${Version}\n"
        said = self.site.run(self.site.names[0], "dpkg-query", "--show", f"--showformat={form}", *self.contender.shown)
        return tuple(said.splitlines())

    def measure(self) -> None:
        far = Pair(self.site.names[0], self.site.names[-1])
        own = Traffic(self.site, self.seats, self.pace.seconds)
        underlay = Traffic(self.site, self.site.underlay, self.pace.seconds)
        both = SideBySide(self.site, own, underlay, self.pace.runs)
        own.start_servers("own")
        if self.seats != self.site.underlay:
            underlay.start_servers("underlay")
        self._try("mtu", lambda: self.keep(mtu=own.mtu(far)))
        steps: dict[Measure, Callable[[], None]] = {
            Measure.LATENCY: lambda: self.keep(latency=tuple(map(both.latency, self.site.pairs()))),
            Measure.GOODPUT: lambda: self.keep(goodput=tuple(map(both.goodput, self.site.pairs()))),
            Measure.ALL_PAIRS: lambda: self.keep(all_pairs=both.all_pairs()),
            Measure.PACKETS: lambda: self.keep(packets=both.packets(far)),
            Measure.CUT: self._cut,
            Measure.CRASH: self._crash,
        }
        for measure, step in steps.items():
            if measure in self.pace.measures:
                self.tell(str(measure))
                self._try(measure, step)

    def _try(self, measure: str, step: Callable[[], None]) -> None:
        try:
            step()
        except DockmeshError as error:
            self.note(measure, error)

    def _cut(self) -> None:
        watch_s = self.pace.watch_s
        cut, heal = cut_and_heal(self.site, self.seats, min(watch_s, self.contender.watch_s or watch_s), watch_s)
        self.keep(cut=cut, heal=heal)

    def _crash(self) -> None:
        crash, back = crash_and_start(self.site, self.seats, self.result.about.centre, self.pace.watch_s)
        self.keep(crash=crash, back=back)


def _preparations(packages: Sequence[str]) -> tuple[Request, ...]:
    apt_get = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes")
    if not packages:
        return docker.image()
    return (
        Exec((*apt_get, "update"), timeout_s=INSTALLED_WITHIN_S),
        Exec((*apt_get, "install", "--no-install-recommends", *packages), timeout_s=INSTALLED_WITHIN_S),
        *docker.image(),
    )


def wait_until_connected(site: Site, seats: Seats) -> None:
    """Until every seat has had an answer from every other.

    Raises LabError naming a pair that has none.
    """
    at_once(partial(_wait_for_answer, site, seats), site.ordered_pairs())


def _wait_for_answer(site: Site, seats: Seats, pair: Pair) -> None:
    end = time.monotonic() + CONNECTED_WITHIN_S
    target = seats[pair.target].address
    while True:
        # With both -c and -w ping sends until one is answered, or it is told that there is no way.
        words = ("ping", "-n", "-c", "1", "-i", "0.1", "-w", str(CONNECTED_WITHIN_S), target)
        said = site.answer(seats[pair.source], *words, timeout_s=CONNECTED_WITHIN_S + 30)
        if "bytes from" in said:
            return
        if time.monotonic() > end:
            raise LabError(f"no ping passed between {pair} for {CONNECTED_WITHIN_S} s", answered=said.strip()[-300:])
        time.sleep(0.1)


def machine() -> Machine:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    congestion = Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    return Machine(os.cpu_count() or 0, round(memory), platform.release(), congestion)
