"""Whether BFD calls a living tunnel dead while all cores have other work."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from bench.rows import Row, say
from bench.world import answer, mesh, settled, wait
from dockmesh.lab.model import Lab

FLAPS = "echo $(ovs-vsctl --bare --columns=bfd_status find interface bfd:enable=true | grep -o 'flap_count=[^ ]*')"


def false_alarms(_runs: int, minutes: int = 10) -> list[Row]:
    """At the default setting, in a full mesh of three: ups and downs of all six ends of tunnels, minute by minute."""
    with mesh() as lab:
        wait(settled(lab), "all is well")
        counts = [flaps(lab)]
        with every_core_loaded():
            for minute in range(minutes):
                time.sleep(60)
                counts.append(flaps(lab))
                say(f"  minute {minute + 1}: {counts[-1] - counts[-2]}, load average {os.getloadavg()[0]:.1f}")
    changes = tuple(float(later - earlier) for earlier, later in pairwise(counts))
    what = f"false alarms of BFD, default setting, all cores loaded: changes of state in {minutes} minutes"
    return [Row(what, (sum(changes),), "times", 0, each=True)]


def flaps(lab: Lab) -> int:
    return sum(int(number) for host in lab.hosts for number in re.findall(r"\d+", answer(lab, host.name, FLAPS)))


@contextmanager
def every_core_loaded() -> Iterator[None]:
    spin = (sys.executable, "-c", "while True: pass")
    running = [subprocess.Popen(spin) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()
