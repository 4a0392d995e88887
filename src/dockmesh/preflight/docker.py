"""Docker: its version, the flags it is started with, who lives on docker0: one host at a time.

Measured were 20.10.24, 26.1.5 and 28.5.2; the rest was read in its release notes: docs/explanation/docker-versions.md.
"""

import json
import re
import shlex
from collections.abc import Iterator
from ipaddress import IPv4Address

from dockmesh.facts.types import Docker
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.preflight.questions import SNAP
from dockmesh.preflight.types import Check, Finding, HostEvidence, Level
from dockmesh.render.docker import DAEMON_JSON

UNIT = "docker.service"
OPTIONS = "/etc/default/docker"
MEASURED, OLDEST = (20, 26, 28), (20, 10)
NFTABLES = (
    "set `net.ipv4.ip_forward=1` in /etc/sysctl.d, which Docker does not do itself then, and does not start without; "
    "run `dockmesh verify` after apply"
)
DIFFERENCES = (
    (29, "nftables in place of iptables if `firewall-backend` says so, and then no DOCKER-USER chain"),
    (28, "drops packets that are routed to a container from outside; frames of the mesh are bridged, not routed"),
)
# A flag that stands in daemon.json as well: dockerd does not start.
BOTH = {"--bip": "bip", "--fixed-cidr": "fixed-cidr", "--mtu": "mtu", "--label": "labels"}
BRIDGE = ("--bridge", "-b")


def judge(plan: Plan, evidence: HostEvidence) -> Iterator[Finding]:
    name = (evidence.facts.name,)
    if evidence.around.units.get(SNAP, {}).get("ActiveState") == "active":
        do = "remove the snap and let apply install Docker: a snap does not read /etc/docker/daemon.json"
        yield Finding(Check.DOCKER, Level.BLOCKER, name, "Docker is a snap here", do)
    wrong = tuple(_flags(evidence, name))
    yield from wrong
    docker = evidence.facts.docker
    if docker is None:
        there = "dockerd" in evidence.facts.programs
        what = "Docker does not run; apply starts it" if there else "Docker is not installed; apply installs it"
        if not wrong:
            yield Finding(Check.DOCKER, Level.FINE, name, what)
        return
    yield _version(docker, evidence, name)
    yield from _containers(plan.host(evidence.facts.name), docker, name)


def read_flags(exec_start: str, options: str) -> tuple[str, ...]:
    """The words that systemd starts dockerd with, `$DOCKER_OPTS` of /etc/default/docker among them if it is used."""
    found = re.search(r"argv\[\]=(.*?) ;", exec_start)
    words = found.group(1).split() if found else []
    flags: list[str] = []
    for word in words[1:]:
        if word in ("$DOCKER_OPTS", "${DOCKER_OPTS}"):
            flags += _docker_opts(options)
        else:
            flags.append(word)
    return tuple(flags)


def _docker_opts(options: str) -> list[str]:
    for line in reversed(options.splitlines()):
        if line.strip().startswith("DOCKER_OPTS="):
            try:
                return shlex.split(" ".join(shlex.split(line.split("=", 1)[1])))
            except ValueError:
                return []  # an open quote: systemd takes nothing of it either
    return []


def _flags(evidence: HostEvidence, name: tuple[str, ...]) -> Iterator[Finding]:
    exec_start = evidence.around.units.get(UNIT, {}).get("ExecStart", "")
    flags = read_flags(exec_start, evidence.around.docker_options)
    keys = {flag.split("=", 1)[0]: flag for flag in flags if flag.startswith("-")}
    where = f"the command line of {UNIT} (`systemctl cat docker`, {OPTIONS})"
    for flag, key in BOTH.items():
        if flag in keys:
            what = f"{where} has {keys[flag]}; with `{key}` in {DAEMON_JSON} dockerd does not start"
            yield Finding(Check.DOCKER, Level.BLOCKER, name, what, f"remove {flag} there: apply sets it in the file")
    for flag in BRIDGE:
        if flag in keys:
            what = f"{where} has {flag}: Docker then has no docker0 of its own"
            yield Finding(Check.DOCKER, Level.BLOCKER, name, what, f"remove {flag} there")
    if keys.get("--icc") == "--icc=false":
        what = f"{where} has --icc=false, which drops frames of other hosts' containers"
        yield Finding(Check.DOCKER, Level.BLOCKER, name, what, "remove it there")
    if keys.get("--config-file", DAEMON_JSON) not in (DAEMON_JSON, f"--config-file={DAEMON_JSON}"):
        what = f"{where} has --config-file: Docker does not read {DAEMON_JSON}"
        yield Finding(
            Check.DOCKER, Level.BLOCKER, name, what, f"remove it there, and move its content to {DAEMON_JSON}"
        )
    if {"-H", "--host"} & set(keys) and _has_hosts(evidence):
        what = f"{where} has -H, and {DAEMON_JSON} has `hosts`: dockerd does not start again"
        yield Finding(Check.DOCKER, Level.BLOCKER, name, what, "keep one of the two")


def _has_hosts(evidence: HostEvidence) -> bool:
    try:
        return "hosts" in json.loads(evidence.facts.file(DAEMON_JSON) or "{}")
    except (ValueError, TypeError):
        return False  # what apply refuses, and it is said there


def _version(docker: Docker, evidence: HostEvidence, name: tuple[str, ...]) -> Finding:
    numbers = tuple(int(number) for number in re.findall(r"\d+", docker.version)[:2])
    notes = [text for since, text in DIFFERENCES if numbers and numbers[0] >= since]
    if docker.live_restore:
        notes.append("live-restore is on; apply turns it off for one restart, as Docker keeps old addresses with it")
    said = f"Docker {docker.version}"
    if numbers < OLDEST:
        do = "upgrade it; 20.10 is the oldest supported version"
        return Finding(Check.DOCKER, Level.WARNING, name, f"{said} is old", do)
    if numbers[0] >= 29 and _backend(evidence) == "nftables":
        what = f"{said} makes its rules with nftables; whether they let frames of the mesh pass was not measured"
        return Finding(Check.DOCKER, Level.WARNING, name, what, NFTABLES)
    if numbers[0] not in MEASURED:
        notes.insert(0, "this project has run 20.10, 26.1 and 28.5")
    return Finding(Check.DOCKER, Level.FINE, name, "; ".join([said, *notes]))


def _backend(evidence: HostEvidence) -> object:
    try:
        settings = json.loads(evidence.facts.file(DAEMON_JSON) or "{}")
    except ValueError:
        return None
    return settings.get("firewall-backend") if isinstance(settings, dict) else None


def _containers(host: HostPlan, docker: Docker, name: tuple[str, ...]) -> Iterator[Finding]:
    """Those on the default bridge."""
    on_it = [(each.name, each.address) for each in docker.containers if each.address]
    shown = ", ".join(f"{container} ({address})" for container, address in on_it)
    if docker.containers and docker.unlike(host.address, host.pool):
        names = shown or ", ".join(each.name for each in docker.containers)
        what = f"Docker restarts for its new pool {host.pool}, and with it: {names}"
        do = "choose when, or defer it with `dockmesh apply --no-restart`; their addresses change"
        yield Finding(Check.CONTAINERS, Level.WARNING, name, what, do)
        return
    outside = [(each, address) for each, address in on_it if not _in_pool(host, str(address))]
    if outside:
        shown = ", ".join(f"{container} ({address})" for container, address in outside)
        what = f"outside this host's pool {host.pool}, so another host may give out the same address: {shown}"
        names = " ".join(container for container, _ in outside)
        yield Finding(Check.CONTAINERS, Level.WARNING, name, what, f"run `docker restart {names}` on it")
        return
    yield Finding(Check.CONTAINERS, Level.FINE, name, f"containers on docker0: {len(on_it)}")


def _in_pool(host: HostPlan, address: str) -> bool:
    return IPv4Address(address) in host.pool
