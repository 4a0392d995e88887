"""A ping every 10 ms from a host or a container of it, and the longest time that it got no answer."""

import contextlib
import json
import os
import re
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

from dockmesh.lab.model import Lab, LabHost
from dockmesh.remote.script import PYTHON

INTERVAL_S = 0.01
PROGRAM = files("dockmesh.lab").joinpath("pinger.py").read_text(encoding="utf-8")
# The time of each answer, in seconds since 1970, and which ping it answers.
ANSWER = re.compile(r"^\[(\d+\.\d+)\] .*icmp_seq=(\d+) ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pings:
    """What was heard. `longest_gap_ms` is the longest time between two answers, less the interval."""

    sent: int
    answered: int
    duplicates: int
    longest_gap_ms: float


@dataclass(frozen=True, slots=True)
class Pinging:
    """A ping that runs."""

    output: Path

    def heard(self) -> Pings:
        """Up to now."""
        return read_pings(self.output.read_text(errors="replace"))

    def wait_for_answers(self, more: int, deadline_s: float) -> bool:
        """Until so many more answers have come than now; False if they have not by then."""
        since, end = self.output.stat().st_size, time.monotonic() + deadline_s
        while self._answers(since) < more:
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def _answers(self, since: int) -> int:
        """So many pings are answered in what was written since; those of some minutes are too much to read anew."""
        with self.output.open(errors="replace") as output:
            output.seek(since)
            return len({number for _, number in ANSWER.findall(output.read())})


def read_pings(output: str) -> Pings:
    """Pure: the lines of pinger.py, as far as they have come."""
    answers = [(float(at), int(number)) for at, number in ANSWER.findall(output)]
    times = [at for at, _ in answers]
    gaps = (later - earlier for earlier, later in pairwise(times))
    return Pings(
        sent=max((number for _, number in answers), default=0),
        answered=len({number for _, number in answers}),
        duplicates=output.count("(DUP!)"),
        longest_gap_ms=max(0.0, (max(gaps, default=0.0) - INTERVAL_S) * 1000),
    )


@contextlib.contextmanager
def pinging(lab: Lab, host: LabHost, target: str, container: str | None = None) -> Iterator[Pinging]:
    """Ping `target` until the end of the block, from the host itself or from within a container's network.

    The time stamps are the host's, so what delays our own connection does not count.
    """
    inside = ""
    if container:
        inside = f'nsenter --net=/proc/"$(docker inspect --format {{{{.State.Pid}}}} {shlex.quote(container)})"/ns/net '
    # Ended by its standard input: a client that is killed leaves no ping behind on the host.
    script = f"exec {inside}{shlex.join(PYTHON)} {shlex.quote(target)} {INTERVAL_S}"
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "pings"
        heard, said = os.pipe()
        with output.open("w") as written, os.fdopen(heard) as order:
            process = subprocess.Popen(
                ("ssh", "-F", str(lab.ssh_config), "-T", host.name, script), stdin=order, stdout=written
            )
        try:
            with os.fdopen(said, "w") as order:
                order.write(f"{json.dumps(PROGRAM)}\n")
                order.flush()
                yield Pinging(output)
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """After its standard input; a host that died cannot hear that, and then only our own end is there to be ended."""
    try:
        process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
