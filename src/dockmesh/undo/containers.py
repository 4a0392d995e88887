"""Containers that stopped with Docker are started again; and what Docker says where it does not."""

import math
from collections.abc import Sequence
from ipaddress import IPv4Address

from dockmesh.facts.docker import EVERY_CONTAINER, SOCKET, UNIT, read_stopped
from dockmesh.facts.types import Container
from dockmesh.transport.demand import failure
from dockmesh.transport.requests import Ask, Exec, Transport

JOURNAL = Exec(("journalctl", "--unit=docker.service", "--lines=5", "--output=cat", "--no-pager"))


async def start_again(host: Transport, before: Sequence[Container]) -> None:
    """Those without a restart policy stay down after a restart of Docker: we stopped them, we start them.

    In the order of their addresses, for Docker gives each the first that is free. Those with a policy it starts itself,
    all at once. Those of `docker run --rm` are gone, as their owner said.
    """
    if not before:
        return
    (answer,) = await host.ask(Ask(SOCKET, EVERY_CONTAINER, UNIT))
    stopped = read_stopped(answer.out) if answer.ok else frozenset()
    if again := [container.id for container in in_order(before) if container.id in stopped]:
        # Each has the time that one may take; and one that cannot start keeps no other from it.
        starts = [Exec(("docker", "start", name)) for name in again]
        for start, done in zip(starts, await host.ask(*starts), strict=True):
            if not done.ok:
                raise failure(host.name, "could not start the containers again", start, done)


def in_order(containers: Sequence[Container]) -> list[Container]:
    """By address. One that is in several networks has the place that it has on docker0."""
    return sorted(containers, key=_place)


def _place(container: Container) -> float:
    addresses = [container.address] if container.address else [each.address for each in container.places]
    return min((int(IPv4Address(each)) for each in addresses), default=math.inf)
