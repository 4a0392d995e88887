"""A ping every 10 ms from a host or a container of it, and what became of each."""

import contextlib
import json
import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dockmesh.agent.texts import text_of
from dockmesh.lab.model import Lab, LabHost
from dockmesh.pings.log import Ping, PingLog, PingStats
from dockmesh.transport.script import PYTHON

INTERVAL_MS = 10
LIFE_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Pinging:
    """A ping that runs."""

    output: Path
    target: str
    log: PingLog

    def pings(self) -> tuple[Ping, ...]:
        """Those that were sent up to now, but for the last that may be answered yet."""
        return tuple(self._log().pings(self.target))

    def heard(self) -> PingStats:
        """Up to now."""
        return self._log().stats(self.target)

    def _log(self) -> PingLog:
        """With what was written since the last look: in minutes it becomes too much to be read again."""
        with self.output.open("rb") as output:
            output.seek(self.log.read)
            new = output.read()
        self.log.read += len(new)
        self.log.take(new.decode("ascii", errors="replace"))
        return self.log

    def wait_for_answers(self, more: int, deadline_s: float) -> bool:
        """Until so many more answers have come than now; False if they have not by then."""
        since, end = self.output.stat().st_size, time.monotonic() + deadline_s
        while self._answers(since) < more:
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def _answers(self, since: int) -> int:
        """So many pings are answered in what was written since; those of some minutes are too much to read again."""
        with self.output.open(errors="replace") as output:
            output.seek(since)
            return len({line.split()[1] for line in output if line.startswith("A ") and line.endswith("\n")})


@contextlib.contextmanager
def pinging(lab: Lab, host: LabHost, target: str, container: str | None = None) -> Iterator[Pinging]:
    """Ping `target` until the end of the block, from the host itself or from within a container's network.

    The time stamps are the host's, so what delays our own connection does not count.
    """
    inside = ""
    if container:
        inside = f'nsenter --net=/proc/"$(docker inspect --format {{{{.State.Pid}}}} {shlex.quote(container)})"/ns/net '
    # Ended by its standard input: a client that is killed leaves no ping behind on the host.
    script = f"exec {inside}{shlex.join((*PYTHON, '-', str(LIFE_S), str(INTERVAL_MS), target))}"
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "pings"
        heard, said = os.pipe()
        with output.open("w") as written, os.fdopen(heard) as order:
            process = subprocess.Popen(
                ("ssh", "-F", str(lab.ssh_config), "-T", host.name, script), stdin=order, stdout=written
            )
        try:
            with os.fdopen(said, "w") as order:
                order.write(f"{json.dumps(text_of('pinger'))}\n")
                order.flush()
                yield Pinging(output, target, PingLog((target,), INTERVAL_MS))
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """After its standard input; a host that died cannot hear that, and then only our own end is there to be ended."""
    try:
        process.wait(timeout=3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
