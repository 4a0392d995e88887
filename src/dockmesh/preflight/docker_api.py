"""Docker's API over TCP: whether its port is free for the mesh, and whether Docker has opened one by itself."""

import json
from collections.abc import Iterator
from itertools import pairwise

from dockmesh.model.mesh import API_PORT
from dockmesh.plan.types import Plan
from dockmesh.preflight.docker import OPTIONS, UNIT, read_flags
from dockmesh.preflight.types import Check, Finding, HostEvidence, Level
from dockmesh.render.docker import DAEMON_JSON
from dockmesh.render.paths import API_UNIT

# IANA's "docker" and "docker-s".
PLAIN_PORT = 2375
ROOT = "who reaches such a port without TLS is root on the host; `docker_api` in the mesh file opens one with TLS"


def judge(plan: Plan, evidence: HostEvidence) -> Iterator[Finding]:
    name = (evidence.facts.name,)
    told = sorted({*_flags(evidence), *_settings(evidence)})
    plain = [] if told else sorted(str(each) for each in evidence.around.tcp_listeners if each.port == PLAIN_PORT)
    if told:
        what = f"Docker listens on TCP by itself: {', '.join(told)}"
        yield Finding(Check.DOCKER_API, Level.WARNING, name, what, f"take it away unless it is meant: {ROOT}")
    elif plain:
        what = f"somebody listens at {', '.join(plain)}, Docker's port without TLS"
        yield Finding(Check.DOCKER_API, Level.WARNING, name, what, f"find out who it is (`ss -ltnp`): {ROOT}")
    if plan.docker_api is None:
        return
    taken = _taken(plan, evidence)
    if taken:
        what = f"TCP port {API_PORT} is taken: somebody listens at {', '.join(taken)}"
        do = "find out who it is (`ss -ltnp`) and stop it, or take `docker_api` out of the file"
        yield Finding(Check.DOCKER_API, Level.BLOCKER, name, what, do)
    elif not (told or plain):
        yield Finding(Check.DOCKER_API, Level.FINE, name, f"TCP port {API_PORT} is free for Docker's API in the mesh")


def _taken(plan: Plan, evidence: HostEvidence) -> list[str]:
    own = plan.host(evidence.facts.name).address.ip
    ours = evidence.facts.units.get(API_UNIT, {}).get("ActiveState") == "active"
    return sorted(
        str(each)
        for each in evidence.around.tcp_listeners
        if each.port == API_PORT and (each.address.is_unspecified or (each.address == own and not ours))
    )


def _flags(evidence: HostEvidence) -> Iterator[str]:
    exec_start = evidence.around.units.get(UNIT, {}).get("ExecStart", "")
    words = [word for flag in read_flags(exec_start, evidence.around.docker_options) for word in flag.split("=", 1)]
    for flag, value in pairwise(words):
        if flag in ("-H", "--host") and value.startswith("tcp:"):
            yield f"{value} on the command line of {UNIT} (`systemctl cat docker`, {OPTIONS})"


def _settings(evidence: HostEvidence) -> Iterator[str]:
    try:
        hosts = json.loads(evidence.facts.file(DAEMON_JSON) or "{}").get("hosts") or ()
    except (ValueError, AttributeError):
        return  # what apply refuses, and it is said there
    for each in hosts if isinstance(hosts, list) else ():
        if str(each).startswith("tcp:"):
            yield f"{each} in {DAEMON_JSON}"
