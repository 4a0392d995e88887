"""Hosts in memory that say what agent/measure.py would say of a network whose figures are known."""

import json
from collections.abc import Mapping

from dockmesh.measure.run import Course
from dockmesh.measure.types import Pace
from dockmesh.plan.build import build
from dockmesh.render.host import render
from dockmesh.transport.requests import Answer, Exec, Request
from dockmesh.transport.script import PYTHON
from tests.support.fake_host import FakeHost, applied
from tests.support.meshes import mesh_of

PLAN = build(mesh_of(3))
NAMES = tuple(host.name for host in PLAN.hosts)
MBIT, PER_SECOND, US = 100, 9_000, (310, 290, 300, 1_900)


class Quiet:
    def step(self, host: str, step: str) -> None:
        pass

    def done(self, host: str, result: str) -> None:
        pass


def measures(request: Request) -> Answer | None:
    """What a host says whose every stream has 100 Mbit/s, or what it may have if that is less."""
    if not isinstance(request, Exec) or request.argv != PYTHON:
        return None
    order = json.loads(request.stdin.split("\n", 1)[1])
    if order["kind"] == "ping":
        return Answer(0, json.dumps({"pings": {each["name"]: {"sent": 4, "us": US} for each in order["targets"]}}))
    seconds = order["seconds"]
    mbit = min(MBIT, order["rate"] / 1e6)
    stream = {"bytes": int(mbit * seconds * 125_000), "seconds": seconds}
    datagrams = {"packets": int(PER_SECOND * seconds), "sent": int(10_000 * seconds), "seconds": seconds}
    said = datagrams if order["kind"] == "udp" else stream
    return Answer(0, json.dumps({"received": dict.fromkeys(order["expect"], said), "failed": {}}))


def hosts() -> dict[str, FakeHost]:
    found = {}
    for planned in PLAN.hosts:
        host = applied(render(PLAN, planned))
        host.fails = measures
        found[host.name] = host
    return found


def course(opened: Mapping[str, FakeHost], pace: Pace) -> Course:
    return Course({host.name: host for host in PLAN.hosts}, opened, pace, Quiet())
