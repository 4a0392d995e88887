"""How long pings stop: at faults, at changes of the way of forwarding, and at a reboot."""

import json
import subprocess
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from bench.rows import Row
from bench.world import DEADLINE_S, DOCKMESH, answer, gap, measured, mesh, reach, settled, wait
from dockmesh.lab import cut as cutting
from dockmesh.lab import power
from dockmesh.lab.model import Lab
from dockmesh.lab.pings import pinging
from dockmesh.lab.ssh import run_on
from dockmesh.meshfile.load import load
from dockmesh.pings.log import arrivals

KILLED = ("ovs-vswitchd", "ovsdb-server")


def healing(runs: int) -> list[Row]:
    """The same harms under each way of forwarding, in one lab each; then the change from one to the other."""
    rows = []
    for forwarding in ("rstp", "direct"):
        with mesh(forwarding) as lab:
            rows += [Row(f"{forwarding}: {what}", tuple(gaps), "ms") for what, gaps in harms(lab, runs).items()]
            if forwarding == "direct":
                rows += [Row("direct: CPU time of the guard of flows in a minute at rest", at_rest(lab, runs), "ms")]
                rows += switched(lab, runs)
    return rows


def harms(lab: Lab, runs: int) -> dict[str, list[float]]:
    """By harm the longest gap of 10 ms pings of each run. The first host is the root of a spanning tree."""
    plan = json.loads(
        subprocess.run((*DOCKMESH, "plan", "--json", *reach(lab)[:2]), capture_output=True, check=True).stdout
    )
    root, left, right = plan["hosts"]
    first, last = root["name"], right["name"]
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(runs):
        wait(settled(lab), "all is well")
        found["a cut link that was in use"].append(
            gap(lab, first, right["address"], lambda: cutting.cut(lab, first, last))
        )
        found["the same link healed"].append(gap(lab, first, right["address"], lambda: cutting.heal_all(lab)))
        found["the first host dies, between the two others"].append(
            gap(lab, left["name"], right["address"], lambda: power.crash(lab, first))
        )
        power.start(lab, first)
        for daemon in KILLED:
            wait(settled(lab), "all is well")
            kill = partial(run_on, lab, lab.host(last), ("sh", "-c", f"kill -9 $(cat /run/openvswitch/{daemon}.pid)"))
            found[f"kill -9 of {daemon}, from another host"].append(gap(lab, first, right["address"], kill))
    return found


def at_rest(lab: Lab, runs: int) -> tuple[float, ...]:
    """Of the program and what it starts, by systemd's account."""
    used = "systemctl show --property=CPUUsageNSec --value dockmesh-flows"
    wait(settled(lab), "all is well")
    stamps = []
    for _ in range(runs + 1):
        stamps.append(int(answer(lab, lab.hosts[0].name, used)) / 1e6)
        time.sleep(60)
    return tuple(later - earlier for earlier, later in pairwise(stamps))


def switched(lab: Lab, runs: int) -> list[Row]:
    """From what the lab has to the other and back, by apply."""
    address = load(lab.mesh_file).hosts[-1].address
    gaps: dict[str, list[float]] = defaultdict(list)
    for _ in range(runs):
        for old, new in (("direct", "rstp"), ("rstp", "direct")):
            text = lab.mesh_file.read_text().replace(f"forwarding: {old}", f"forwarding: {new}")
            lab.mesh_file.write_text(text)
            apply = lambda: measured("apply", "--yes", "--no-verify", *reach(lab))  # noqa: E731
            gaps[f"{old} → {new} on a living mesh"].append(gap(lab, lab.hosts[0].name, str(address), apply))
            wait(settled(lab), "all is well")
    return [Row(what, tuple(each), "ms") for what, each in gaps.items()]


def after_reboot(runs: int) -> list[Row]:
    """From docker.service active to the first answer of a container of the rebooted host, heard by another host."""
    waits = []
    with mesh() as lab:
        host = lab.host("host2")
        sleeping = "docker run --detach --restart always --stop-signal KILL --name web busybox sleep 1000000"
        image = "tar -C /usr -c bin/busybox | docker import --change 'ENTRYPOINT [\"/bin/busybox\"]' - busybox"
        answer(lab, "host2", f"apt-get install --yes -qq busybox-static >/dev/null; {image}; {sleeping}")
        address = answer(lab, "host2", "docker inspect --format '{{.NetworkSettings.IPAddress}}' web")
        for _ in range(runs):
            with pinging(lab, lab.host("host1"), address) as pings:
                wait(pings.wait_for_answers(100, DEADLINE_S), "host1 reaches the container")
                power.reboot(lab, host.name)
                wait(pings.wait_for_answers(200, DEADLINE_S), "host1 reaches the container after the reboot")
                back = first_after_longest_gap(arrivals(pings.pings()))
            active = answer(
                lab, "host2", 'date +%s.%N -d "$(systemctl show --timestamp=us -p ActiveEnterTimestamp --value docker)"'
            )
            waits.append(max(0.0, back - float(active)))
    return [
        Row("reboot: from docker.service active to a ping of its container from another host", tuple(waits), "s", 2.0)
    ]


def first_after_longest_gap(times: Sequence[float]) -> float:
    return max(pairwise(times), key=lambda pair: pair[1] - pair[0])[1]
