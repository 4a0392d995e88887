"""A mesh in a lab, as tests talk of it: everything through the real command line and real SSH."""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from difflib import unified_diff
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from dockmesh.diff.host import FACT_PATHS
from dockmesh.facts.gather import Inquiry, gather
from dockmesh.facts.types import FileState, HostFacts
from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.record.paths import APPLIED
from dockmesh.transport.fleet import fleet
from tests.lab.times import kind_of, noted

T = TypeVar("T")

DOCKMESH = (sys.executable, "-m", "dockmesh")
# An image of one static program, made on the host: no registry is there to ask.
IMAGE = "busybox"
BUILD_IMAGE = "tar -C /usr -c bin/busybox | docker import --change 'ENTRYPOINT [\"/bin/busybox\"]' - busybox"
# What hangs ends then. Emulated hosts on a busy machine need minutes for what takes others a second.
DEADLINE_S = 300
# BFD that gives a tunnel up after 3 s and not after 0.3 s: emulated daemons do not get the processor that often.
PATIENT_BFD = ("multiplier: 3}", "multiplier: 30}")
# A master that hears nothing of its host for so long ends, and with it what waits for it: its host has died.
SHARED = """\
Host *
    ControlMaster auto
    ControlPersist yes
    ControlPath "{folder}/%r@%n.ssh"
    ServerAliveInterval 1
    ServerAliveCountMax 20
"""
COMMAND_DEADLINE_S = 1800


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def run(*argv: str, timeout_s: float = COMMAND_DEADLINE_S, environment: dict[str, str] | None = None) -> Done:
    with noted(kind_of(argv)):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout_s, env=environment, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def wait_until(condition: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Ask until it is true; how long it takes is no matter of a test."""
    end = time.monotonic() + deadline_s
    while True:
        if condition():
            return
        assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
        time.sleep(0.1)


def steady(facts: HostFacts) -> HostFacts:
    """What stays as it is as long as nobody changes it. A unit that is off may never have been.

    Without the record of what was applied, which says when.
    """
    bridges = tuple(
        replace(
            bridge,
            tree_status={},
            interfaces=tuple(
                replace(each, bfd_status={}, tree_status={}, error=None, ofport=None) for each in bridge.interfaces
            ),
        )
        for bridge in facts.ovs or ()
    )
    return replace(
        facts,
        files={path: state for path, state in facts.files.items() if path != APPLIED},
        ovs=bridges,
        # ovs-netdev is the userspace datapath's own, with another MAC address each time.
        links=tuple(
            replace(link, index=0) for link in facts.links if link.kind != "veth" and link.name != "ovs-netdev"
        ),
        units={
            unit: {
                key: value
                for key, value in states.items()
                if key != "StatusText" and value not in ("", "inactive", "disabled", "not-found", "loaded")
            }
            for unit, states in facts.units.items()
        },
    )


def differences(wanted: Mapping[str, HostFacts], actual: Mapping[str, HostFacts]) -> list[str]:
    """By host and fact."""
    if missing := set(wanted) - set(actual):
        return [f"{', '.join(sorted(missing))}: not reached"]
    return [
        f"{host}: {name}: {one} is not {other}"
        for host, facts in actual.items()
        for field in fields(facts)
        for name, one, other in _different(field.name, getattr(facts, field.name), getattr(wanted[host], field.name))
    ]


def _different(name: str, one: object, other: object) -> Iterator[tuple[str, object, object]]:
    """Of two tables the rows that differ, of two texts the lines."""
    if one == other:
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            yield from _different(f"{name} {key}", one.get(key), other.get(key))
    elif isinstance(one, FileState) and isinstance(other, FileState) and one.text and other.text:
        lines = unified_diff(other.text.splitlines(), one.text.splitlines(), n=0, lineterm="")
        yield name, f"{one.mode:o}, {list(lines)[2:]}", f"{other.mode:o}"
    else:
        yield name, one, other


def assert_all_pass(report: Any) -> None:
    """Of verify's report, or the one that ends an apply."""
    failed = [probe for probe in report["probes"] if probe["verdict"] != "pass"]
    assert failed == [], json.dumps({"causes": report["causes"], "probes": failed}, indent=2)
    assert report["verdict"] == "pass"
    assert report["probes"], "nothing was measured"


def _why(done: Done) -> str:
    """What of an apply's answer is not well; the whole of it would fill pages."""
    if not done.out.startswith("{"):
        return done.err
    answer = done.json()
    proof = answer["verify"] or {"causes": [], "probes": []}
    wrong = {
        "errors": [host["error"] for host in answer["hosts"] if host["error"]],
        "causes": proof["causes"],
        "probes": [probe for probe in proof["probes"] if probe["verdict"] != "pass"],
    }
    return json.dumps(wrong, indent=2)


@cache
def plan_of(file: Path, text: str) -> Any:
    """The answer of `plan`, kept for this text of the file."""
    return run(*DOCKMESH, "plan", "-f", str(file), "--json").json()


@dataclass(frozen=True, slots=True)
class Mesh:
    """A lab of hosts with the file that describes their mesh."""

    directory: Path
    hosts: tuple[str, ...]

    @property
    def file(self) -> Path:
        return self.directory / "dockmesh.yaml"

    @property
    def ssh_config(self) -> Path:
        return self.directory / "ssh_config"

    @property
    def own_ssh_config(self) -> Path:
        """What the tests' own commands go by: one connection a host, which the first of them opens.

        To log in costs a host more of its processor than most of what is asked there.
        """
        shared = self.directory / "ssh_config.shared"
        if not shared.exists():
            shared.write_text(SHARED.format(folder=self.directory) + f"Include {self.ssh_config}\n")
        return shared

    def disconnect(self, host: str) -> None:
        """Let go of the tests' own connection to a host that goes down or moves: the next command opens another."""
        run("ssh", "-F", str(self.own_ssh_config), "-l", "root", "-O", "exit", host)

    def lab(self, verb: str, *words: str) -> Done:
        if verb in ("reboot", "crash"):
            self.disconnect(words[0])
        done = run(*DOCKMESH, "lab", verb, "--dir", str(self.directory), *words)
        assert done.code == 0, done.err
        return done

    def down(self) -> None:
        """Also where it did not come up, or is down."""
        if self.ssh_config.exists():
            self.on_all(self.disconnect)
        run(*DOCKMESH, "lab", "down", "--dir", str(self.directory))

    def dockmesh(self, verb: str, *options: str, environment: dict[str, str] | None = None) -> Done:
        ssh = () if verb in ("plan", "render") else ("--ssh-config", str(self.ssh_config))
        return run(*DOCKMESH, verb, "--file", str(self.file), *ssh, *options, environment=environment)

    def assert_nothing_differs(self) -> None:
        """Between the file and all hosts. `diff` ends with 0 also where something does, unless it is asked."""
        done = self.dockmesh("diff", "--exit-code")
        assert done.code == 0, f"{done.out}{done.err}"

    def apply(self, *options: str) -> Any:
        """Apply, which must succeed; its answer in JSON. Without its proof: that is what test_verify.py is about."""
        done = self.dockmesh("apply", "--yes", "--json", "--no-verify", *options)
        assert done.code == 0, _why(done)
        return done.json()

    def wait_for_apply(self, why: str) -> None:
        """Until an apply succeeds: hosts may still roll back, or be locked. What the last one said is in the error."""
        tries = [self.dockmesh("apply", "--yes", "--no-verify")]

        def succeeds() -> bool:
            tries.append(self.dockmesh("apply", "--yes", "--no-verify"))
            return tries[-1].code == 0

        try:
            if tries[0].code:
                wait_until(succeeds, why)
        except AssertionError as error:
            raise AssertionError(f"{error}, after {len(tries)} tries; the last said:\n{_why(tries[-1])}") from error

    def ssh(self, host: str, command: str, *, user: str = "root") -> Done:
        return run("ssh", "-F", str(self.own_ssh_config), "-l", user, host, command)

    def on(self, host: str, command: str) -> str:
        """Run a command line on a host, which must succeed; what it printed."""
        done = self.ssh(host, command)
        assert done.code == 0, f"{host}: {command}: {done.err}{done.out}"
        return done.out.strip()

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text, f"{old!r} is not in {self.file}:\n{text}"
        self.file.write_text(text.replace(old, new))

    def choose(self, key: str, value: str) -> None:
        """Give a key of the file another value, whatever it has."""
        text, found = re.subn(rf"^(\s*){key}: \S+", rf"\g<1>{key}: {value}", self.file.read_text(), flags=re.MULTILINE)
        assert found == 1, f"{key} stands {found} times in {self.file}"
        self.file.write_text(text)

    def on_all(self, work: Callable[[str], T]) -> dict[str, T]:
        """Do it for all hosts at once; the answers by host."""
        with ThreadPoolExecutor(len(self.hosts)) as pool:
            return dict(zip(self.hosts, pool.map(work, self.hosts), strict=True))

    def plan(self) -> Any:
        """It hangs on the file alone, so it is made once for each text."""
        return plan_of(self.file, self.file.read_text())

    def address(self, host: str) -> str:
        return next(str(each["address"]) for each in self.plan()["hosts"] if each["name"] == host)

    def start_container(self, host: str, name: str = "web", *options: str) -> str:
        """A container that only sleeps; its address. SIGTERM it would not hear, so it is told by SIGKILL."""
        self.on(host, f"docker image inspect {IMAGE} >/dev/null 2>&1 || {BUILD_IMAGE}")
        words = " ".join(options)
        self.on(host, f"docker run --detach --name {name} --stop-signal KILL {words} {IMAGE} sleep 1000000")
        return self.container_address(host, name)

    def container_address(self, host: str, name: str = "web") -> str:
        return self.on(host, f"docker inspect --format '{{{{.NetworkSettings.IPAddress}}}}' {name}")

    def pings(self, host: str, target: str, container: str | None = "web") -> bool:
        """Whether a ping is answered, from a container or, with None, from the host itself."""
        ping = f"docker exec {container} /bin/busybox ping" if container else "ping"
        return self.ssh(host, f"{ping} -c 1 -W 1 {target}").code == 0

    def wait_for_ping(
        self, host: str, target: str, container: str | None = "web", deadline_s: float = DEADLINE_S
    ) -> None:
        where = container or "the host"
        wait_until(lambda: self.pings(host, target, container), f"{where} on {host} pings {target}", deadline_s)

    def wait_for_containers(self, name: str = "web") -> None:
        """Every container of this name reaches every other."""
        seen = self.on_all(lambda host: self._running(host, name))

        def reaches_all(host: str) -> None:
            # By the host's own ping in the container's network: `docker exec` costs an emulated host seconds each time.
            inside = f"nsenter --net=/proc/{seen[host][0]}/ns/net ping -c 1 -W 1"
            others = [address for other, (_, address) in seen.items() if other != host]
            pings = " && ".join(f"{inside} {address}" for address in others)
            wait_until(lambda: self.ssh(host, pings).code == 0, f"{name} on {host} pings {' and '.join(others)}")

        self.on_all(reaches_all)

    def _running(self, host: str, name: str) -> tuple[str, str]:
        """Process and address of a container, as soon as it has both."""
        show = f"docker inspect --format '{{{{.State.Pid}}}} {{{{.NetworkSettings.IPAddress}}}}' {name}"
        found: list[str] = []

        def runs() -> bool:
            found[:] = self.ssh(host, show).out.split()
            return len(found) == 2 and found[0] != "0"

        wait_until(runs, f"{name} runs on {host}")
        return found[0], found[1]

    def wait_for_mesh(self, deadline_s: float = DEADLINE_S) -> None:
        """Every host's bridge address answers every other host."""
        addresses = {host: self.address(host) for host in self.hosts}
        for host in self.hosts:
            for other, address in addresses.items():
                if other != host:
                    self.wait_for_ping(host, address, None, deadline_s)

    def states(self, *hosts: str) -> dict[str, HostFacts]:
        """All facts of the hosts, without what changes by itself: states of protocols, containers' devices."""
        return asyncio.run(self._states(hosts or self.hosts))

    async def _states(self, names: tuple[str, ...]) -> dict[str, HostFacts]:
        plan = build(load(self.file))
        async with fleet([plan.host(name) for name in names], self.ssh_config) as hosts:
            if hosts.failed:
                return {}
            facts = await asyncio.gather(*(gather(host, Inquiry(FACT_PATHS)) for host in hosts.opened.values()))
        return {each.name: steady(each) for each in facts}

    def wait_for_states(self, wanted: Mapping[str, HostFacts], deadline_s: float = DEADLINE_S) -> None:
        """Until the hosts are as they were; the difference fact by fact, where they do not become so."""
        end = time.monotonic() + deadline_s
        while different := differences(wanted, self.states(*wanted)):
            assert time.monotonic() < end, "\n".join(different)[:3000]
            time.sleep(0.5)

    def start_apply(self, *options: str) -> subprocess.Popen[str]:
        """An apply at work; its progress comes on standard error."""
        words = ("apply", "-f", str(self.file), "--ssh-config", str(self.ssh_config), "--yes", *options)
        # Who runs the tests in the background has Ctrl-C ignored, and so would have this.
        return subprocess.Popen(
            ("env", "--default-signal=INT,HUP", *DOCKMESH, *words),
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )

    def verify(self, *options: str) -> Any:
        return self.dockmesh("verify", "--json", *options).json()

    def assert_proven(self) -> Any:
        """Every probe passes, and at the first try: verify itself waits for what is still starting."""
        done = self.dockmesh("verify", "--json")
        assert_all_pass(done.json())
        assert done.code == 0, done.err
        return done.json()
