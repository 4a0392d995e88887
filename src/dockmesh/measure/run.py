"""One step after another on the hosts themselves. A host that fails is left out of those that follow."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dockmesh.agent.texts import text_of
from dockmesh.errors import DockmeshError
from dockmesh.measure import plan
from dockmesh.measure.judge import Received, judge, read
from dockmesh.measure.types import Figure, Pace, Pair, Report, Step, Taken
from dockmesh.plan.types import HostPlan
from dockmesh.transport.fanout import each
from dockmesh.transport.requests import Transport
from dockmesh.transport.script import script

# Outside of those that the kernel gives to connections (ip_local_port_range), and of what services are known by.
PORTS = range(20_000, 30_000)
GRACE_S, LOG_IN_S = 2.0, 5.0  # of the script beyond its life; of the host beyond the script


class Progress(Protocol):
    def step(self, host: str, step: str) -> None: ...

    def done(self, host: str, result: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Course:
    """What the steps have in common: the hosts as they are planned and as they are open, and how much is sent."""

    hosts: Mapping[str, HostPlan]
    opened: Mapping[str, Transport]
    pace: Pace
    progress: Progress


async def measure(name: str, course: Course, chosen: Sequence[Step], unreached: Mapping[str, DockmeshError]) -> Report:
    """Take all figures of the chosen steps; nothing is left on a host, whatever becomes of us.

    `unreached`: hosts that nobody let us in to, with why. Every figure that cannot be taken is in the report with a
    reason.
    """
    gone = dict(unreached)
    found: dict[Figure, dict[Pair, Taken]] = {step.figure: {} for step in chosen}
    for step in chosen:
        found[step.figure] |= judge(step, await _carry_out(step, course, gone), gone)
    for host in course.opened:
        course.progress.done(host, "measured" if host not in gone else "failed")
    return Report(name, tuple(course.hosts), course.pace, found, gone)


async def _carry_out(step: Step, course: Course, gone: dict[str, DockmeshError]) -> dict[str, Received]:
    """What each host says that has a part in it; who fails is in `gone` afterwards."""
    able = Step(step.figure, tuple(pair for pair in step.pairs if not {pair.source, pair.target} & set(gone)))
    orders = plan.orders(able, course.hosts, course.pace, secrets.token_hex(16), secrets.choice(PORTS))
    source, limit_s = text_of("measure"), plan.life_s(course.pace) + GRACE_S

    async def ask(name: str) -> Received:
        course.progress.step(name, f"measure {step.figure}")
        request = script(source, orders[name], limit_s)
        return read((await course.opened[name].ask(request, together=True, within_s=limit_s + LOG_IN_S))[0])

    return await each(orders, gone, ask)
