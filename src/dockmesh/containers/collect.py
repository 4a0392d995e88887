"""Asks every host for its containers, all at once, in one round trip."""

from collections.abc import Mapping

from dockmesh.containers.read import read
from dockmesh.containers.types import Container
from dockmesh.errors import CommandError, DockmeshError
from dockmesh.facts.docker import CONTAINERS, EVERY_CONTAINER, SOCKET
from dockmesh.plan.types import Plan
from dockmesh.transport.fanout import each
from dockmesh.transport.requests import Ask, Transport

UNIT = "docker.service"
DEADLINE_S = 5.0  # whoever looks wants to hear of the others, too


async def collect(
    plan: Plan, hosts: Mapping[str, Transport], unreachable: Mapping[str, DockmeshError], *, stopped: bool
) -> tuple[dict[str, tuple[Container, ...]], dict[str, DockmeshError]]:
    """The containers by host, those that do not run among them only if `stopped`, and why there are none of others."""
    gone = dict(unreachable)
    found = await each(hosts, gone, lambda name: _ask(plan, hosts[name], stopped=stopped))
    return found, gone


async def _ask(plan: Plan, host: Transport, *, stopped: bool) -> tuple[Container, ...]:
    question = Ask(SOCKET, EVERY_CONTAINER if stopped else CONTAINERS, UNIT, timeout_s=DEADLINE_S)
    (answer,) = await host.ask(question, together=True, within_s=DEADLINE_S)
    if not answer.ok:
        raise CommandError(
            "Docker does not say what runs there",
            host=host.name,
            ran=str(question),
            answered=answer.err.strip() or f"HTTP status or exit {answer.code}",
            do="look at `systemctl status docker` there",
        )
    return read(host.name, answer.out, [network.prefix for network in plan.networks])
