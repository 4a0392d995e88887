"""How long the verbs take on hosts."""

import asyncio
import json
import shlex
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bench.rows import Row
from bench.world import DOCKMESH, measured, mesh, prepared_lab, reach, settled, wait
from dockmesh.apply.all_or_none import AllOrNone
from dockmesh.apply.inspection import inspect_all, lock_all
from dockmesh.apply.lock import new_run
from dockmesh.apply.run import apply as apply_plan
from dockmesh.diff.types import StepName
from dockmesh.inspect.host import Inspection
from dockmesh.lab.model import Lab
from dockmesh.meshfile.load import load
from dockmesh.model.mesh import Mesh
from dockmesh.plan.build import build
from dockmesh.transport.demand import demand
from dockmesh.transport.fleet import fleet
from dockmesh.transport.requests import Exec, Put, Remove, Request
from dockmesh.undo.session import Session

MANY = 30


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
        containers = [measured("ps", *reach(lab))[0] for _ in range(runs)]
    return [
        Row("status, three hosts, all well", tuple(states), "s", 1.0),
        Row("diff, three hosts, no difference", tuple(differences), "s", 1.0),
        Row("ps, three hosts", tuple(containers), "s", 0.5),
    ]


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
        stop = Exec(("systemctl", "disable", "--now", "docker.service", "docker.socket"))
        found = await inspect_all(plan, hosts.opened)
        for name, each in found.items():
            step = each.diff.step(StepName.FABRIC) if isinstance(each, Inspection) else None
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
        inspections = await inspect_all(plan, hosts.opened)
    return {
        name: "set -e\n" + "\n".join(in_shell(request) for step in inspection.diff.steps for request in step.requests)
        for name, inspection in inspections.items()
        if isinstance(inspection, Inspection)
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


async def applied(lab: Lab, wanted: Mesh) -> Busy:
    plan, busy = build(wanted), Busy()
    async with fleet(plan.hosts, lab.ssh_config) as hosts:
        session = Session(new_run("bench"))
        await lock_all(hosts.opened, session.run, busy)
        outcomes = await apply_plan(
            plan, hosts.opened, AllOrNone(plan, await inspect_all(plan, hosts.opened)), session, busy
        )
        if errors := [str(outcome.error) for outcome in outcomes if outcome.error]:
            raise SystemExit("\n".join(errors))
        async with fleet(plan.hosts, lab.ssh_config, fresh=True) as again:
            await session.confirm(again.opened, {})
    return busy
