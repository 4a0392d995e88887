"""What all measurements need: the command line, a lab, a mesh in it, and a ping."""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.rows import say
from dockmesh.lab import down as ending
from dockmesh.lab import up as starting
from dockmesh.lab.model import Lab
from dockmesh.lab.pings import pinging
from dockmesh.lab.ssh import run_on

DOCKMESH = (sys.executable, "-m", "dockmesh")
DEADLINE_S = 60


def measured(*words: str, fine: tuple[int, ...] = (0,)) -> tuple[float, float]:
    """Seconds and peak MiB of one run of the command line, which must end with a code that is fine."""
    began = time.monotonic()
    process = subprocess.Popen((*DOCKMESH, *words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in fine:
        raise SystemExit(f"dockmesh {shlex.join(words)} ended with {process.returncode}")
    return seconds, usage.ru_maxrss / 1024


@contextmanager
def enough_inotify(hosts: int) -> Iterator[None]:
    """Linux lets root have 128 instances of inotify on the whole machine, and the daemons of each host take some."""
    limit = Path("/proc/sys/fs/inotify/max_user_instances")
    old = limit.read_text()
    limit.write_text(str(max(int(old), 128 + 16 * hosts)))
    try:
        yield
    finally:
        limit.write_text(old)


@contextmanager
def prepared_lab(hosts: int = 3) -> Iterator[Lab]:
    with enough_inotify(hosts), TemporaryDirectory(prefix="dockmesh-bench-") as folder:
        directory = Path(folder) / "lab"
        try:
            yield starting.up(
                starting.UpOptions(name="bench", directory=directory, hosts=hosts, prepared=True), say=say
            )
        finally:
            ending.down(directory)


def reach(lab: Lab) -> tuple[str, ...]:
    return ("-f", str(lab.mesh_file), "--ssh-config", str(lab.ssh_config))


@contextmanager
def mesh(forwarding: str = "rstp") -> Iterator[Lab]:
    with prepared_lab() as lab:
        text = lab.mesh_file.read_text()
        lab.mesh_file.write_text(re.sub(r"forwarding: \w+", f"forwarding: {forwarding}", text))
        measured("apply", "--yes", *reach(lab))
        yield lab


def edit(lab: Lab, old: str, new: str) -> None:
    text = lab.mesh_file.read_text()
    if old not in text:
        raise SystemExit(f"{old!r} is not in {lab.mesh_file}")
    lab.mesh_file.write_text(text.replace(old, new))


def settled(lab: Lab) -> bool:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if subprocess.run((*DOCKMESH, "status", *reach(lab)), capture_output=True, check=False).returncode == 0:
            return True
    return False


def gap(lab: Lab, source: str, target: str, harm: Callable[[], object]) -> float:
    with pinging(lab, lab.host(source), target) as pings:
        wait(pings.wait_for_answers(200, DEADLINE_S), f"{source} reaches {target}")
        harm()
        wait(pings.wait_for_answers(500, DEADLINE_S), f"{source} reaches {target} again")
        return pings.heard().longest_ms or 0.0


def wait(happened: bool, what: str) -> None:
    if not happened:
        raise SystemExit(f"not within {DEADLINE_S} s: {what}")


def answer(lab: Lab, host: str, command: str) -> str:
    done = run_on(lab, lab.host(host), ("sh", "-c", command), timeout_s=120)
    if done.returncode != 0:
        raise SystemExit(f"{host}: {command}: {done.stderr}")
    return done.stdout.strip().splitlines()[-1]
