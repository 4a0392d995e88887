"""How long after its hosts' boot each pair has its first ping: three hosts that reboot, and twenty that start."""

import asyncio
import json
import shlex
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.rows import Row, say
from bench.world import edit, mesh, prepared_lab, settled, wait
from dockmesh.agent.texts import text_of
from dockmesh.apply.inspection import inspect_all
from dockmesh.diff.types import StepName
from dockmesh.inspect.host import Inspection
from dockmesh.lab import power
from dockmesh.lab.model import Lab, LabHost
from dockmesh.lab.ssh import run_on
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.transport.demand import demand
from dockmesh.transport.fleet import fleet
from dockmesh.transport.requests import Exec

MANY = 20
ALIVE = ("-o", "ServerAliveInterval=2", "-o", "LogLevel=ERROR")  # a host that goes down says nothing
UP_WITHIN_S = 300  # twenty at once take minutes, on two cores
# Pings all addresses five times a second, each until it has answered once, and says when that was: in seconds since
# 1970, by place.
FIRST_PINGS = """
first, end, due, pinger = {}, time.monotonic() + 60, 0.0, Pinger(ExitStack(), sys.argv[1:])
while len(first) < len(pinger.targets) and time.monotonic() < end:
    if time.monotonic() >= due:
        due = time.monotonic() + 0.2
        pinger.send(time.monotonic())
    select.select(list(pinger.listeners), [], [], max(0.0, due - time.monotonic()))
    for listener in pinger.listeners:
        pinger.hear(listener)
    for line in pinger.lines:
        if line[0] == "A":
            first.setdefault(line.split()[2], time.time())
    pinger.lines.clear()
import json
print(json.dumps(first))
"""


@dataclass(frozen=True, slots=True)
class Up:
    """A host after its boot: when SSH answered, and by peer when its first ping came back.

    In seconds since 1970, by the clock that lab hosts share.
    """

    answered_s: float
    first_s: Mapping[str, float]


def all_rebooted(runs: int) -> list[Row]:
    rows = []
    for forwarding in ("rstp", "direct"):
        with mesh(forwarding) as lab:
            waits = []
            for _ in range(runs):
                wait(settled(lab), "all is well")
                waits.append(slowest_pair(after_boot(lab, reboot_all(lab))))
                say(f"  {forwarding}: {waits[-1]:.2f} s")
        what = f"{forwarding}: all hosts rebooted, from SSH of both hosts to the first ping, of the last pair"
        rows.append(Row(what, tuple(waits), "s", 2.0, each=True))
    return rows


def reboot_all(lab: Lab) -> dict[str, str]:
    """By host the boot that is at its end."""
    old = {host.name: run_on(lab, host, power.BOOT_ID).stdout.strip() for host in lab.hosts}
    for host in lab.hosts:
        run_on(lab, host, ("systemctl", "--no-block", "reboot"))
    return old


def after_boot(lab: Lab, old: Mapping[str, str]) -> dict[str, Up]:
    addresses = {host.name: str(host.address) for host in load(lab.mesh_file).hosts}
    with ThreadPoolExecutor(len(addresses)) as pool:
        hosts = [lab.host(name) for name in addresses]
        found = pool.map(lambda host: first_pings(lab, host, old.get(host.name, ""), addresses), hosts)
        return dict(zip(addresses, found, strict=True))


def slowest_pair(ups: Mapping[str, Up]) -> float:
    """Seconds from when both of its hosts answered SSH to its first ping."""
    return max(
        max(0.0, first - max(up.answered_s, ups[peer].answered_s))
        for up in ups.values()
        for peer, first in up.first_s.items()
    )


def since_last(ups: Mapping[str, Up]) -> float:
    """Seconds from when the last host answered SSH to the last first ping of all."""
    return max(max(up.first_s.values()) for up in ups.values()) - max(up.answered_s for up in ups.values())


def first_pings(lab: Lab, host: LabHost, old: str, addresses: Mapping[str, str]) -> Up:
    peers = [name for name in addresses if name != host.name]
    program = text_of("pinger").partition('if __name__ == "__main__":')[0]
    words = ("python3", "-", *(addresses[name] for name in peers))
    # The old boot's last breath is no answer.
    shell = f'boot=$(cat {power.BOOT_ID[1]}); test "$boot" != "{old}" && echo up $(date +%s.%N) && {shlex.join(words)}'
    end = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < end:
        command = ("ssh", "-F", str(lab.ssh_config), "-T", "-o", "ConnectTimeout=5", *ALIVE, host.name)
        with subprocess.Popen(
            (*command, shell), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as ssh:
            assert ssh.stdin is not None  # noqa: S101
            assert ssh.stdout is not None  # noqa: S101
            word, _, answered_s = ssh.stdout.readline().partition(" ")
            if word == "up":
                said, _ = ssh.communicate(program + FIRST_PINGS)
                first = {peers[int(place)]: float(each) for place, each in json.loads(said).items()}
                wait(len(first) == len(peers), f"{host.name} reaches all others")
                return Up(float(answered_s), first)
        time.sleep(0.1)
    raise SystemExit(f"not within {UP_WITHIN_S} s: {host.name} answers over SSH")


def many_started(runs: int) -> list[Row]:
    """All of twenty hosts start at once, from disks that have the mesh; without Docker, which has no room here."""
    rows = []
    with prepared_lab(MANY) as lab:
        for old, topology in (("full-mesh", "{degree: 4}"), ("{degree: 4}", "full-mesh")):
            edit(lab, f"topology: {old}", f"topology: {topology}")
            asyncio.run(without_docker(lab))
            waits = []
            for _ in range(runs):
                with ThreadPoolExecutor(MANY) as pool:
                    tuple(pool.map(lambda host: power.crash(lab, host.name), lab.hosts))
                    tuple(pool.map(lambda host: power.power_on(lab, host), lab.hosts))
                waits.append(since_last(after_boot(lab, {})))
                say(f"  {topology}: {waits[-1]:.2f} s")
            pairs = f"all {MANY * (MANY - 1)} pairs"
            what = f"direct, {topology}: {MANY} hosts start, from SSH of the last one to the first ping of {pairs}"
            rows.append(Row(what, tuple(waits), "s", 3.0, each=True))
    return rows


async def without_docker(lab: Lab) -> None:
    """Everything of the mesh but Docker's part, also for the next boot."""
    plan = build(load(lab.mesh_file))
    steps = (StepName.QUIESCE, StepName.FILES, StepName.FABRIC, StepName.ATTACH)
    async with fleet(plan.hosts, lab.ssh_config) as hosts:
        stop = Exec(("systemctl", "disable", "--now", "docker.service", "docker.socket"))
        found = await inspect_all(plan, hosts.opened)
        for name in steps:
            for host, inspection in found.items():
                step = inspection.diff.step(name) if isinstance(inspection, Inspection) else None
                requests = (*((stop,) if name is steps[0] else ()), *(step.requests if step else ()))
                if requests:
                    await demand(hosts.opened[host], "could not make the mesh", *requests)
