"""Kills at random moments, for as long as one likes: `make kills`, as root.

A lab of three hosts with containers, whose file changes from one mesh to another and on. In the middle of each apply
something is killed. Then every host has to become old or new by itself, fact by fact; nobody may own another's address;
and the next apply has to end as one that nobody disturbed. The same seed gives the same rounds, as far as the machine
has the same speed.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from ipaddress import IPv4Network
from itertools import combinations
from pathlib import Path
from shlex import quote

from dockmesh.diff.host import FACT_PATHS
from dockmesh.facts.gather import Inquiry, gather
from dockmesh.facts.types import HostFacts
from dockmesh.meshfile.load import load
from dockmesh.meshfile.write import write_mesh
from dockmesh.model.mesh import Bfd, Links, Renderer
from dockmesh.model.mesh import Mesh as MeshModel
from dockmesh.model.network import FABRIC_BRIDGE
from dockmesh.plan.build import build
from dockmesh.record.paths import STAY_OUT
from dockmesh.render.paths import UNIT
from dockmesh.transport.fleet import fleet
from tests.lab.mesh import DOCKMESH, Mesh, run, steady
from tests.support.meshes import moved, swapped

TIMEOUT_S = 10
SLACK_S = 50  # for the rollback itself, on a machine with other work
HOSTS = ("host1", "host2", "host3")
# By host, name and options; "once" is gone after a restart of Docker, as its owner said.
CONTAINERS = (
    ("host1", "db", "--restart=always"),
    ("host1", "job", "--restart=no"),
    ("host2", "web", "--restart=always"),
    ("host2", "once", "--rm"),
    ("host3", "old", "--restart=always"),
)
STAY = {"db", "web", "old"}  # by their restart policy
# The address of docker0 on a host in the mesh, five times a second, by the kernel's clock, which all hosts share.
WATCH = """while sleep 0.2; do read at _ < /proc/uptime; set -- $(ip -4 -brief address show docker0)
[ -e /sys/class/net/docker0/brif/br0 ] || set --; echo "$at $3"; done >> /var/tmp/owners"""
LONGEST_GAP_S = 1
Facts = Mapping[str, HostFacts]


# What the file may say.


def other_prefix(model: MeshModel) -> MeshModel:
    def other(text: object) -> str:
        return str(text).replace("172.17.", "10.45.")

    hosts = (moved(host, other(host.address), other(host.pool)) for host in model.hosts)
    docker0 = replace(model.docker0, prefix=IPv4Network(other(model.docker0.prefix)))
    return replace(model, networks=(docker0, *model.further), hosts=tuple(hosts))


MESHES: Mapping[str, Callable[[MeshModel], MeshModel]] = {
    "ifupdown": lambda model: replace(model, fabric=replace(model.fabric, renderer=Renderer.IFUPDOWN)),
    "prefix": other_prefix,
    "swapped": swapped,
    "bfd": lambda model: replace(model, fabric=replace(model.fabric, bfd=Bfd(100, 4))),
    "chain": lambda model: replace(
        model, fabric=replace(model.fabric, topology=Links((("host1", "host2"), ("host2", "host3"))))
    ),
    "prefix, bfd": lambda model: MESHES["bfd"](other_prefix(model)),
    "base": lambda model: model,
}


# What the hosts are.


async def _read(mesh: Mesh) -> dict[str, HostFacts]:
    plan = build(load(mesh.file))
    async with fleet(plan.hosts, mesh.ssh_config) as hosts:
        names = list(hosts.opened)
        facts = await asyncio.gather(
            *(gather(hosts.opened[name], Inquiry(FACT_PATHS)) for name in names), return_exceptions=True
        )
    return {name: each for name, each in zip(names, facts, strict=True) if isinstance(each, HostFacts)}


def essence(facts: HostFacts) -> HostFacts:
    """Without what no run promises: addresses and identifiers of containers, and which of them run."""
    plain = steady(facts)
    # The userspace datapath's own device gets a MAC address of chance.
    links = tuple(link for link in plain.links if link.name != "ovs-netdev")
    return replace(plain, links=links, docker=plain.docker and replace(plain.docker, containers=()))


def apart_in(wanted: HostFacts, actual: HostFacts) -> str:
    """Only what differs."""
    said = []
    for field in fields(actual):
        old, new = getattr(wanted, field.name), getattr(actual, field.name)
        if old == new:
            continue
        if isinstance(old, tuple) and isinstance(new, tuple):
            old, new = [each for each in old if each not in new], [each for each in new if each not in old]
        elif isinstance(old, Mapping) and isinstance(new, Mapping):
            keys = [key for key in {*old, *new} if old.get(key) != new.get(key)]
            old, new = {key: old.get(key) for key in keys}, {key: new.get(key) for key in keys}
        said.append(f"{field.name}: {new} is not {old}")
    return f"{actual.name}: {'; '.join(said)}"[:1500]


def all_apart(wanted: Facts, actual: Facts) -> list[str]:
    missing = [f"{name}: not reached" for name in wanted if name not in actual]
    return missing + [apart_in(wanted[name], each) for name, each in actual.items() if each != wanted[name]]


def apart(facts: HostFacts) -> HostFacts:
    """A host that rolled back while another one got its addresses stays out of the mesh."""
    links = (replace(link, master=None, up=True) if link.name == FABRIC_BRIDGE else link for link in facts.links)
    return replace(
        facts,
        links=tuple(links),
        files={path: file for path, file in facts.files.items() if path != STAY_OUT},
        units={unit: states for unit, states in facts.units.items() if unit != UNIT},
    )


def is_like(facts: HostFacts, wanted: HostFacts) -> bool:
    if STAY_OUT in facts.files and STAY_OUT not in wanted.files:
        return apart(facts) == apart(wanted)
    return facts == wanted


def owned_twice(facts: Facts) -> list[str]:
    """Addresses that two hosts of the mesh have now."""
    owners: dict[str, str] = {}
    twice = []
    for name, each in facts.items():
        fabric, bridge = each.link(FABRIC_BRIDGE), each.link("docker0")
        if fabric is None or fabric.master != "docker0" or bridge is None:
            continue
        mine = {str(address.ip) for address in bridge.addresses}
        mine |= {one.address for one in (each.docker.containers if each.docker else ()) if one.address}
        for address in sorted(mine):
            if owners.setdefault(address, name) != name:
                twice.append(f"{address}: {owners[address]} and {name}")
    return twice


def running(facts: Facts) -> set[str]:
    return {one.name for each in facts.values() for one in (each.docker.containers if each.docker else ())}


# What may happen.


@dataclass(frozen=True)
class Scene:
    mesh: Mesh
    apply: subprocess.Popen[str]
    host: str
    chance: random.Random


def killed(scene: Scene) -> None:
    scene.apply.kill()


def interrupted(scene: Scene) -> None:
    scene.apply.send_signal(signal.SIGINT)


def terminated(scene: Scene) -> None:
    scene.apply.terminate()


def connection_killed(scene: Scene) -> None:
    """The ssh of one host."""
    while scene.apply.poll() is None:
        listed = run("ps", "--ppid", str(scene.apply.pid), "-o", "pid=,args=").out.splitlines()
        found = [int(line.split()[0]) for line in listed if f"-- {scene.host} " in line]
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        if found:
            return


def crashed(scene: Scene) -> None:
    scene.mesh.lab("crash", scene.host)
    time.sleep(scene.chance.choice((0, 0, 3, 12)))
    scene.mesh.lab("start", scene.host)


RUNNER = """pid=$(tr -dc '[:alnum:]:,' < /run/dockmesh.lock | sed 's/.*pid:\\([0-9]*\\).*/\\1/');
grep -q dockmesh_runner /proc/$pid/cmdline && kill -9 $pid"""


def runner_killed(scene: Scene) -> None:
    scene.mesh.ssh(scene.host, RUNNER)


def rollback_killed(scene: Scene) -> None:
    """dockmesh, and then the rollback while it is at work."""
    scene.apply.kill()
    pause = f"{scene.chance.uniform(0, 2):.2f}"
    scene.mesh.ssh(
        scene.host,
        "for i in $(seq 400); do [ -e /var/lib/dockmesh/returning.json ] && "
        f"{{ sleep {pause}; systemctl kill -s KILL dockmesh-back.service; break; }}; sleep 0.05; done",
    )


def docker_killed(scene: Scene) -> None:
    scene.mesh.ssh(scene.host, f"systemctl kill {scene.chance.choice(('', '-s KILL '))}docker")


KILLS = (
    killed,
    interrupted,
    terminated,
    connection_killed,
    crashed,
    runner_killed,
    rollback_killed,
    docker_killed,
)


# A round.


@dataclass
class Trial:
    mesh: Mesh
    texts: Mapping[str, str]
    states: dict[str, dict[str, HostFacts]]
    chance: random.Random
    now: str = "base"

    def read(self) -> dict[str, HostFacts]:
        return asyncio.run(_read(self.mesh))

    def write(self, name: str) -> None:
        self.mesh.file.write_text(self.texts[name])

    def learn(self) -> None:
        """Every mesh as an undisturbed apply makes it."""
        for name in self.texts:
            self.write(name)
            self.mesh.apply()
            self.states[name] = {host: essence(facts) for host, facts in self.read().items()}
        self.now = "base"

    def start_containers(self) -> None:
        for host, name, option in CONTAINERS:
            self.mesh.ssh(host, f"docker start {name}")
            if self.mesh.ssh(host, f"docker inspect {name}").code:
                self.mesh.start_container(host, name, option)

    def round(self, number: int, kind: Callable[[Scene], None]) -> list[str]:
        """What was wrong."""
        before, after = self.now, self.chance.choice([name for name in self.texts if name != self.now])
        host, wait_s = self.chance.choice(HOSTS), self.chance.uniform(0, 0.8)
        lines = self.chance.randint(0, self.chance.choice((3, 8, 18)))
        said = f"{number}: {before} → {after}, {kind.__name__} {host} {wait_s:.2f} s after line {lines}"
        self._watch()
        wrong: list[str] = []
        self.write(after)
        log = self.mesh.directory / "apply.err"
        with log.open("w") as file:
            words = ("-f", str(self.mesh.file), "--ssh-config", str(self.mesh.ssh_config), "--yes", "--no-verify")
            apply = subprocess.Popen(
                ("env", "--default-signal=INT,HUP", *DOCKMESH, "apply", *words, "--confirm-timeout", str(TIMEOUT_S)),
                stderr=file,
                stdout=file,
                text=True,
            )
            while apply.poll() is None and len(log.read_text().splitlines()) < lines:
                time.sleep(0.02)
            time.sleep(wait_s)
            was_over = apply.poll() is not None
            kind(Scene(self.mesh, apply, host, self.chance))
            try:
                code = apply.wait(200)
            except subprocess.TimeoutExpired:
                wrong.append("the apply did not end")
                apply.kill()
                code = apply.wait()
        at = [line for line in log.read_text().splitlines() if line.strip()]
        took_s, facts, broken = self._settle(before, after)
        wrong += broken
        if twice := owned_twice(facts):
            wrong.append(f"owned twice: {twice}")
        stay = STAY if kind in (crashed, docker_killed) else {*STAY, "job"}
        if missing := stay - running(facts):
            wrong.append(f"not running: {missing}")
        became = {name: self._which(each, name, before, after) for name, each in facts.items()}
        wrong += self._finish(after)
        wrong += self._met()
        told = f"{said}; exit {code}{' (was over)' if was_over else ''}, then {became} within {took_s:.0f} s"
        print(told if not wrong else f"{told}\n  WRONG: " + "\n  ".join(wrong), flush=True)  # noqa: T201
        if wrong:
            print("  " + "\n  ".join(at[-25:]), flush=True)  # noqa: T201
            for each in HOSTS:
                journal = self.mesh.ssh(each, "journalctl -u dockmesh-back -n 8 -o cat --no-pager | cut -c1-200").out
                print(f"  {each}: {journal}", flush=True)  # noqa: T201
        self.now = after
        self.start_containers()
        return wrong

    def _watch(self) -> None:
        for each in HOSTS:
            stop = "systemctl reset-failed owners; systemctl stop owners"
            self.mesh.ssh(each, f"{stop}; rm -f /var/tmp/owners; systemd-run -q --unit=owners sh -c {quote(WATCH)}")

    def _met(self) -> list[str]:
        """Two hosts of the mesh with one address, at some moment of the round."""
        spans: list[tuple[str, str, float, float]] = []
        for each in HOSTS:
            last = ("", -1.0)
            for line in self.mesh.ssh(each, "cat /var/tmp/owners").out.splitlines():
                at, _, address = line.partition(" ")
                if address and (address, True) == (last[0], float(at) - last[1] < LONGEST_GAP_S):
                    name, _, begin, _ = spans.pop()
                    spans.append((name, address, begin, float(at)))
                elif address:
                    spans.append((each, address, float(at), float(at)))
                last = (address, float(at))
        twice = ((one, other, min(one[3], other[3]) - max(one[2], other[2])) for one, other in combinations(spans, 2))
        return [
            f"owned twice: {one[1]} by {one[0]} and {other[0]} for {for_s:.1f} s"
            for one, other, for_s in twice
            if one[0] != other[0] and one[1] == other[1] and for_s > 0
        ]

    def _which(self, facts: HostFacts, host: str, *names: str) -> str:
        plain = essence(facts)
        found = next((name for name in names if is_like(plain, self.states[name][host])), "neither")
        return f"{found}, apart" if STAY_OUT in facts.files else found

    def _settle(self, before: str, after: str) -> tuple[float, dict[str, HostFacts], list[str]]:
        """Wait until each host is old or new."""
        began = time.monotonic()
        while True:
            facts = self.read()
            which = {name: self._which(each, name, before, after) for name, each in facts.items()}
            took_s = time.monotonic() - began
            busy = [
                name
                for name in facts
                if self.mesh.ssh(name, "cd /var/lib/dockmesh; ls armed.json || ls returning.json").code == 0
            ]
            if len(facts) == len(HOSTS) and not any(each.startswith("neither") for each in which.values()) and not busy:
                return took_s, self.read(), []
            if twice := owned_twice(facts):
                return took_s, facts, [f"owned twice on the way: {twice}"]
            if took_s > TIMEOUT_S + SLACK_S:
                wrong = [f"not settled: {which}, busy: {busy}"]
                for name, each in facts.items():
                    if which[name].startswith("neither"):
                        for wanted in (before, after):
                            wrong.append(f"not {wanted}: {apart_in(self.states[wanted][name], essence(each))}")
                return took_s, facts, wrong
            time.sleep(1)

    def _finish(self, after: str) -> list[str]:
        """The next apply makes it new, at once."""
        done = self.mesh.dockmesh("apply", "--yes", "--no-verify")
        wrong = []
        if done.code:
            wrong.append(f"the next apply: exit {done.code}: {done.err[-1500:]}")
            for _ in range(5):
                if self.mesh.dockmesh("apply", "--yes", "--no-verify").code == 0:
                    wrong.append("another one went well")
                    break
                time.sleep(3)
        end = time.monotonic() + 15
        while True:
            facts = self.read()
            different = all_apart(self.states[after], {name: essence(each) for name, each in facts.items()})
            if not different or time.monotonic() > end:
                break
            time.sleep(1)
        if different:
            wrong += [f"not as an undisturbed apply: {each}" for each in different]
        return wrong


def main(arguments: Iterable[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="a kind of kill")
    parser.add_argument("--counts", type=Path, help="write into this file how many rounds passed and failed, as JSON")
    parser.add_argument("--keep", action="store_true", help="leave the lab as it is if something was wrong")
    chosen = parser.parse_args(list(arguments))
    kinds = [kind for kind in KILLS if chosen.only in kind.__name__]
    rounds, bad = Counter[str](), Counter[str]()
    directory = Path(tempfile.mkdtemp(prefix="dockmesh-kills-"))
    made = run(*DOCKMESH, "lab", "up", "--dir", str(directory), "--hosts", "3", "--prepared", timeout_s=900)
    try:
        if made.code:
            print(made.err)  # noqa: T201
            return 1
        mesh = Mesh(directory, HOSTS)
        base = load(mesh.file)
        texts = {name: write_mesh(change(base)) for name, change in MESHES.items()}
        trial = Trial(mesh, texts, {}, random.Random(chosen.seed))  # noqa: S311
        # On this one Docker's containers live on while it restarts.
        mesh.on("host3", "mkdir -p /etc/docker; echo '{\"live-restore\": true}' > /etc/docker/daemon.json")
        mesh.on("host3", "systemctl restart docker")
        trial.learn()
        trial.start_containers()
        end = time.monotonic() + chosen.minutes * 60
        number = 0
        while time.monotonic() < end:
            # Each kind as often as the others, in an order of chance.
            for kind in trial.chance.sample(kinds, len(kinds)):
                number += 1
                rounds[kind.__name__] += 1
                try:
                    bad[kind.__name__] += bool(trial.round(number, kind))
                except Exception:
                    bad[kind.__name__] += 1
                    traceback.print_exc()
                if time.monotonic() > end:
                    break
        for name, count in sorted(rounds.items()):
            print(f"{name:20} {count:4} rounds, {bad[name]} wrong")  # noqa: T201
        if chosen.counts and not chosen.only:
            ending = {"passed": rounds.total() - bad.total(), "failed": bad.total()}
            chosen.counts.write_text(json.dumps(ending))
        return 1 if bad.total() else 0
    finally:
        if not (chosen.keep and bad.total()):
            run(*DOCKMESH, "lab", "down", "--dir", str(directory))
            shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
