"""Measure what dockmesh promises in seconds, and write bench/results.md: `make bench`, as root, on an idle machine.

Every figure is a median of several runs, with the least and the most beside it. Targets that are missed stay in the
table as missed.
"""

import argparse
import asyncio
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from dockmesh.apply.lock import new_run
from dockmesh.apply.look import lock_all, look_at_all
from dockmesh.apply.run import apply as apply_plan
from dockmesh.apply.session import Session
from dockmesh.apply.types import Look
from dockmesh.diff.types import StepName
from dockmesh.lab import cut as cutting
from dockmesh.lab import down as ending
from dockmesh.lab import power
from dockmesh.lab import up as starting
from dockmesh.lab.model import Lab
from dockmesh.lab.pings import pinging
from dockmesh.lab.ssh import run_on
from dockmesh.model import Cluster, Degree, Fabric, Forwarding, Host, Network
from dockmesh.plan.address import assign
from dockmesh.plan.build import build
from dockmesh.remote.fleet import fleet
from dockmesh.remote.seam import Put, Remove, Request, Run, demand
from dockmesh.spec.load import load
from dockmesh.spec.write import write_cluster

HERE = Path(__file__).parent
DOCKMESH = (sys.executable, "-m", "dockmesh")
DEADLINE_S = 60
MANY = 30


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    values: tuple[float, ...]
    unit: str
    target: float | None = None

    def text(self) -> str:
        """A line of the table."""
        median = statistics.median(self.values)
        digits = 0 if self.unit in ("ms", "MiB") else 2
        low, high = min(self.values), max(self.values)
        spread = f"{low:.{digits}f}–{high:.{digits}f}"
        cells = [self.what, f"{median:.{digits}f} {self.unit}", spread, str(len(self.values)), *self._verdict(median)]
        return f"| {' | '.join(cells)} |"

    def _verdict(self, median: float) -> tuple[str, str]:
        if self.target is None:
            return "", ""
        return f"{self.target:g} {self.unit}", "met" if median <= self.target else "**missed**"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    measures = (large_plans, no_change, looks, looks_at_many, apply_and_script, healing, after_reboot, host_added)
    names = [measure.__name__ for measure in measures]
    parser.add_argument("--only", choices=names, help="measure this alone, and leave the table as it is")
    wanted = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # dockmesh as pip installs it: compiled once, not at each start
    runs = wanted.runs
    load_before = os.getloadavg()[0]
    rows: list[Row] = []
    for measure in (measure for measure in measures if wanted.only in (None, measure.__name__)):
        say(f"measuring: {measure.__name__.replace('_', ' ')}")
        rows += measure(runs)
        for row in rows:
            say(row.text())
    if wanted.only is None:
        (HERE / "results.md").write_text(report(rows, load_before))


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def report(rows: Sequence[Row], load_before: float) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return "\n".join(
        [
            "# Results",
            "",
            "Made by `make bench`. Whole processes, from start to exit, unless the line says otherwise.",
            "Hosts are lab hosts on one machine with the userspace datapath: ratios and orders, no speed of servers.",
            "",
            f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {memory:.0f} GiB, kernel {platform.release()}, "
            f"Python {platform.python_version()}, load average before: {load_before:.1f}.",
            "",
            "| what | median | least–most | runs | target | |",
            "|---|---|---|---|---|---|",
            *(row.text() for row in rows),
            "",
        ]
    )


def large_plans(runs: int) -> list[Row]:
    rows = []
    with TemporaryDirectory() as folder:
        for count in (100, 300, 1000):
            file = Path(folder) / f"{count}.yaml"
            file.write_text(write_cluster(large_cluster(count)))
            found = [measured("render", "-f", str(file), "-o", str(Path(folder) / f"out-{count}")) for _ in range(runs)]
            target = (2.0, 300.0) if count == 1000 else (None, None)
            what = f"plan and render of {count} hosts at degree 8, files written"
            rows.append(Row(what, tuple(seconds for seconds, _ in found), "s", target[0]))
            rows.append(Row(f"{what}: peak memory", tuple(mib for _, mib in found), "MiB", target[1]))
        for degree in (4, 8):
            file = Path(folder) / f"direct-{degree}.yaml"
            fabric = Fabric(topology=Degree(degree), forwarding=Forwarding.DIRECT)
            file.write_text(write_cluster(large_cluster(100, fabric)))
            found = [measured("render", "-f", str(file), "-o", str(Path(folder) / file.stem)) for _ in range(runs)]
            what = f"plan and render of 100 hosts at degree {degree}, direct, files written"
            rows.append(Row(what, tuple(seconds for seconds, _ in found), "s"))
            rows.append(Row(f"{what}: peak memory", tuple(mib for _, mib in found), "MiB"))
    return rows


def large_cluster(count: int, fabric: Fabric | None = None) -> Cluster:
    prefix = IPv4Network("10.0.0.0/8")
    first = int(IPv4Address("192.168.0.1"))
    hosts = (
        Host(f"host{number}", IPv4Address(first + number), slot.address, slot.pool)
        for number, slot in enumerate(assign(prefix, count).slots)
    )
    return Cluster("large", fabric or Fabric(topology=Degree(8)), Network("docker0", prefix), tuple(hosts))


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
def prepared_lab(hosts: int = 3) -> Iterator[Lab]:
    with TemporaryDirectory(prefix="dockmesh-bench-") as folder:
        directory = Path(folder) / "lab"
        try:
            yield starting.up(starting.Wish(name="bench", directory=directory, hosts=hosts, prepared=True), say=say)
        finally:
            ending.down(directory)


def reach(lab: Lab) -> tuple[str, ...]:
    return ("-f", str(lab.mesh_file), "--ssh-config", str(lab.ssh_config))


@contextmanager
def mesh(forwarding: str = "rstp") -> Iterator[Lab]:
    with prepared_lab() as lab:
        text = lab.mesh_file.read_text()
        lab.mesh_file.write_text(text.replace("forwarding: rstp", f"forwarding: {forwarding}"))
        measured("apply", "--yes", *reach(lab))
        yield lab


def no_change(runs: int) -> list[Row]:
    with mesh() as lab:
        applies = [measured("apply", *reach(lab))[0] for _ in range(runs)]
        proofs = [measured("verify", *reach(lab))[0] for _ in range(runs)]
    return [
        Row("apply with nothing to change, three hosts", tuple(applies), "s", 1.0),
        Row("verify, three hosts, all well", tuple(proofs), "s"),
    ]


def looks(runs: int) -> list[Row]:
    with mesh() as lab:
        wait(settled(lab), "all is well")
        states = [measured("status", *reach(lab))[0] for _ in range(runs)]
        differences = [measured("diff", *reach(lab))[0] for _ in range(runs)]
    return [
        Row("status, three hosts, all well", tuple(states), "s", 1.0),
        Row("diff, three hosts, no difference", tuple(differences), "s", 1.0),
    ]


def settled(lab: Lab) -> bool:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if subprocess.run((*DOCKMESH, "status", *reach(lab)), capture_output=True, check=False).returncode == 0:
            return True
    return False


def looks_at_many(runs: int) -> list[Row]:
    """Thirty hosts with their fabric, at degree 4, and without Docker: one machine has no room for so many daemons."""
    with prepared_lab(MANY) as lab:
        file = lab.mesh_file
        file.write_text(file.read_text().replace("topology: full-mesh", "topology: {degree: 4}"))
        asyncio.run(only_the_fabric(lab))
        states = [measured("status", *reach(lab), fine=(0, 1))[0] for _ in range(runs)]
        differences = [measured("diff", *reach(lab))[0] for _ in range(runs)]
    return [
        Row(f"status, {MANY} hosts at degree 4, without Docker", tuple(states), "s", 5.0),
        Row(f"diff, {MANY} hosts at degree 4, without Docker", tuple(differences), "s", 5.0),
    ]


async def only_the_fabric(lab: Lab) -> None:
    """Docker stopped, and br0 with its tunnels made."""
    plan = build(load(lab.mesh_file))
    async with fleet(plan.hosts, lab.ssh_config) as hosts:
        stop = Run(("systemctl", "disable", "--now", "docker.service", "docker.socket"))
        found = await look_at_all(plan, hosts.opened)
        for name, each in found.items():
            step = each.diff.step(StepName.FABRIC) if isinstance(each, Look) else None
            await demand(hosts.opened[name], "could not make the fabric", stop, *(step.requests if step else ()))


def apply_and_script(runs: int) -> list[Row]:
    """The same requests, once by apply (its proof left out) and once as one script a host, all hosts at once."""
    whole, own, scripts = [], [], []
    for _ in range(runs):
        with prepared_lab() as lab:
            commands = asyncio.run(scripts_of(lab))
            began = time.monotonic()
            running = [ssh_script(lab, host, text) for host, text in commands.items()]
            codes = [process.wait() for process in running]
            scripts.append(time.monotonic() - began)
            if any(codes):
                raise SystemExit(f"the hand-made script failed: {codes}")
        with prepared_lab() as lab:
            began = time.monotonic()
            command = (*DOCKMESH, "apply", "--yes", "--no-verify", "--json", *reach(lab))
            done = subprocess.run(command, capture_output=True, check=False)
            whole.append(time.monotonic() - began)
            if done.returncode != 0:
                raise SystemExit(done.stderr.decode())
            own.append(json.loads(done.stdout)["seconds"])
    return [
        Row("apply on three prepared hosts, without the proof", tuple(whole), "s"),
        Row("of that, from the first connection to the last change", tuple(own), "s"),
        Row("the same commands as one script a host", tuple(scripts), "s"),
        Row("apply from its first connection on / script", ratios(own, scripts), "×", 1.2),
        Row("apply as a whole process / script", ratios(whole, scripts), "×"),
    ]


def ratios(ones: Sequence[float], others: Sequence[float]) -> tuple[float, ...]:
    return tuple(one / other for one, other in zip(ones, others, strict=True))


async def scripts_of(lab: Lab) -> dict[str, str]:
    plan = build(load(lab.mesh_file))
    async with fleet(plan.hosts, lab.ssh_config) as hosts:
        looks = await look_at_all(plan, hosts.opened)
    return {
        name: "set -e\n" + "\n".join(in_shell(request) for step in look.diff.steps for request in step.requests)
        for name, look in looks.items()
        if isinstance(look, Look)
    }


def in_shell(request: Request) -> str:
    match request:
        case Put(path, text, mode):
            quoted = shlex.quote(path)
            return (
                f"mkdir -p $(dirname {quoted}) && printf %s {shlex.quote(text)} > {quoted} && chmod {mode:o} {quoted}"
            )
        case Remove(path):
            return f"rm {shlex.quote(path)}"
        case _:
            return f"{request} >/dev/null"


def ssh_script(lab: Lab, host: str, text: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(("ssh", "-F", str(lab.ssh_config), "-T", host, "sh -s"), stdin=subprocess.PIPE)
    if process.stdin is not None:
        process.stdin.write(text.encode())
        process.stdin.close()
    return process


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


def gap(lab: Lab, source: str, target: str, harm: Callable[[], object]) -> float:
    with pinging(lab, lab.host(source), target) as pings:
        wait(pings.wait_for_answers(200, DEADLINE_S), f"{source} reaches {target}")
        harm()
        wait(pings.wait_for_answers(500, DEADLINE_S), f"{source} reaches {target} again")
        return pings.heard().longest_gap_ms


def wait(happened: bool, what: str) -> None:
    if not happened:
        raise SystemExit(f"not within {DEADLINE_S} s: {what}")


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
                back = first_after_longest_gap(pings.output.read_text())
            active = answer(
                lab, "host2", 'date +%s.%N -d "$(systemctl show --timestamp=us -p ActiveEnterTimestamp --value docker)"'
            )
            waits.append(max(0.0, back - float(active)))
    return [
        Row("reboot: from docker.service active to a ping of its container from another host", tuple(waits), "s", 2.0)
    ]


@dataclass
class Busy:
    """The Progress of an apply, with the time from each host's first step to its last."""

    began: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def step(self, host: str, _text: str) -> None:
        self.began.setdefault(host, time.monotonic())

    def done(self, host: str, _text: str) -> None:
        now = time.monotonic()
        self.seconds[host] = now - self.began.get(host, now)

    def failed(self, host: str, text: str) -> None:
        raise SystemExit(f"{host}: {text}")


def host_added(runs: int) -> list[Row]:
    """A tenth host joins: how long each of the nine others is at it, and the whole from the first connection on."""
    longest, whole = [], []
    with prepared_lab(10) as lab:
        ten = load(lab.mesh_file)
        nine = replace(ten, hosts=ten.hosts[:-1])
        for _ in range(runs):
            asyncio.run(applied(lab, nine))
            began = time.monotonic()
            busy = asyncio.run(applied(lab, ten))
            whole.append(time.monotonic() - began)
            longest.append(max(busy.seconds[host.name] for host in nine.hosts))
    return [
        Row(
            "a tenth host joins: the busiest of the nine others, from its first step to its last",
            tuple(longest),
            "s",
            1.0,
        ),
        Row("the same, all ten hosts, from the first connection to the last change", tuple(whole), "s"),
    ]


async def applied(lab: Lab, cluster: Cluster) -> Busy:
    plan, busy = build(cluster), Busy()
    async with fleet(plan.hosts, lab.ssh_config) as hosts:
        session = Session(new_run("bench"))
        await lock_all(hosts.opened, session.run, busy)
        outcomes = await apply_plan(plan, hosts.opened, await look_at_all(plan, hosts.opened), session, busy)
        if errors := [str(outcome.error) for outcome in outcomes if outcome.error]:
            raise SystemExit("\n".join(errors))
        async with fleet(plan.hosts, lab.ssh_config, fresh=True) as again:
            await session.confirm(again.opened, {})
    return busy


def first_after_longest_gap(output: str) -> float:
    times = [
        float(line[1:].split("]")[0]) for line in output.splitlines() if line.startswith("[") and "icmp_seq" in line
    ]
    return max(pairwise(times), key=lambda pair: pair[1] - pair[0])[1]


def answer(lab: Lab, host: str, command: str) -> str:
    done = run_on(lab, lab.host(host), ("sh", "-c", command), timeout_s=120)
    if done.returncode != 0:
        raise SystemExit(f"{host}: {command}: {done.stderr}")
    return done.stdout.strip().splitlines()[-1]


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("the lab needs root")
    main()
