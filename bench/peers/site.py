"""A lab as contenders and measurements see it: hosts that carry out requests, and places to measure from."""

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import TypeVar

from bench.peers.types import Load, Pair
from dockmesh.errors import LabError
from dockmesh.lab import cgroup
from dockmesh.lab.model import Lab
from dockmesh.lab.ssh import run_on
from dockmesh.plan.types import HostPlan, Plan
from dockmesh.transport.demand import demand
from dockmesh.transport.fleet import fleet
from dockmesh.transport.requests import Answer, Request

ON_A_HOST_S = 60

T = TypeVar("T")
Orders = Callable[[HostPlan], Sequence[Request]]


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a figure is taken: the network of a container, or with None that of the host itself."""

    host: str
    address: str
    container: str | None = None
    enter: tuple[str, ...] = ()  # the words before a program of the host that shall run there


Seats = Mapping[str, Seat]


@dataclass(frozen=True, slots=True)
class Site:
    """`plan` is that of the lab's mesh file: addresses and pools that a contender may take."""

    lab: Lab
    plan: Plan

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(host.name for host in self.plan.hosts)

    @property
    def underlay(self) -> Seats:
        return {host.name: Seat(host.name, str(host.underlay)) for host in self.plan.hosts}

    def pairs(self) -> tuple[Pair, ...]:
        return tuple(Pair(*pair) for pair in combinations(self.names, 2))

    def ordered_pairs(self) -> tuple[Pair, ...]:
        return tuple(Pair(*pair) for pair in permutations(self.names, 2))

    def peers(self, host: HostPlan) -> tuple[HostPlan, ...]:
        return tuple(peer for peer in self.plan.hosts if peer is not host)

    def carry_out(
        self, what: str, orders: Orders, hosts: Iterable[HostPlan] | None = None
    ) -> dict[str, tuple[Answer, ...]]:
        """Each host's requests over one connection, on all hosts at once.

        Raises CommandError for the first request that fails; `what` completes the sentence "could not …".
        """
        return asyncio.run(self._carry_out(f"could not {what}", orders, tuple(hosts or self.plan.hosts)))

    async def _carry_out(self, what: str, orders: Orders, hosts: tuple[HostPlan, ...]) -> dict[str, tuple[Answer, ...]]:
        async with fleet(hosts, self.lab.ssh_config) as connected:
            for error in connected.failed.values():
                raise error
            answers = await asyncio.gather(
                *(demand(connected.opened[host.name], what, *orders(host)) for host in hosts)
            )
        return {host.name: each for host, each in zip(hosts, answers, strict=True)}

    def run(self, host: str, *argv: str, timeout_s: float = ON_A_HOST_S) -> str:
        """Standard output.

        Raises LabError if it fails.
        """
        done = run_on(self.lab, self.lab.host(host), argv, timeout_s=timeout_s)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()[-1000:]
            raise LabError(
                "a command failed", host=host, ran=" ".join(argv), answered=f"exit {done.returncode}: {said}"
            )
        return done.stdout

    def answer(self, seat: Seat, *argv: str, timeout_s: float = ON_A_HOST_S) -> str:
        """What a program says that runs in a seat; whether it succeeded is the reader's to judge."""
        done = run_on(self.lab, self.lab.host(seat.host), (*seat.enter, *argv), timeout_s=timeout_s)
        return done.stdout + done.stderr

    def cpu_s(self) -> float:
        """Processor time that all hosts have used so far, in seconds, by the account of their control groups."""
        return sum(_used_s(self.lab, host) for host in self.names)


def _used_s(lab: Lab, host: str) -> float:
    text = (cgroup.machine_of(lab, lab.host(host)) / "cpu.stat").read_text()
    return int(dict(line.split() for line in text.splitlines())["usage_usec"]) / 1e6


def at_once(work: Callable[[T], object], items: Sequence[T]) -> None:
    """All items together, each in a thread.

    Raises what the first of them raised.
    """
    with ThreadPoolExecutor(max(1, len(items))) as pool:
        tuple(pool.map(work, items))


@dataclass(slots=True)
class LoadGauge:
    before: float = 0.0

    def __enter__(self) -> "LoadGauge":
        self.before = _load()
        return self

    def __exit__(self, *_: object) -> None: ...

    def read(self) -> Load:
        return Load(self.before, _load())


def _load() -> float:
    return round(os.getloadavg()[0], 2)
