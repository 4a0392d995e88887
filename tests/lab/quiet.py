"""Pings every 10 ms between every two hosts and their containers, and what of them is lost while something is done."""

import contextlib
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from dockmesh.lab.pings import INTERVAL_MS, Pinging, pinging
from dockmesh.lab.store import load as load_lab
from dockmesh.pings.log import Ping, PingStats, outages
from tests.lab.mesh import Mesh

Pair = tuple[str, str, str]  # from whom, to whom, and whether "hosts" or "containers"
Link = frozenset[str]
DEADLINE_S = 120
K = TypeVar("K", bound=Hashable)


def answered(running: Mapping[K, Pinging], more: int, deadline_s: float = DEADLINE_S) -> list[K]:
    """Those that get so many more answers from now on, all in the same time."""
    with ThreadPoolExecutor(len(running)) as pool:
        well = list(pool.map(lambda pings: pings.wait_for_answers(more, deadline_s), running.values()))
    return [key for key, is_well in zip(running, well, strict=True) if is_well]


@dataclass(frozen=True, slots=True)
class Cost:
    """By pair, where there is any: how many pings were lost, how many answered twice; and how long all were lost.

    Not the longest silence: what waits on a busy machine comes late, and is not lost.
    """

    lost: Mapping[Pair, int]
    twice: Mapping[Pair, int]
    longest_ms: float
    sent: int


@dataclass(frozen=True, slots=True)
class Watched:
    running: Mapping[Pair, Pinging]

    def cost(self, act: Callable[[], object], links: Collection[Link] | None = None) -> Cost:
        """What it costs to do it, between hosts with these links; None: between all."""
        chosen = {pair: each for pair, each in self.running.items() if links is None or frozenset(pair[:2]) in links}
        self._all_answer(20)
        before = {pair: each.heard() for pair, each in chosen.items()}
        act()
        self._all_answer(100)
        heard = {pair: _cost(before[pair], each.heard(), each.pings()) for pair, each in chosen.items()}
        return Cost(
            {pair: lost for pair, (lost, _, _, _) in heard.items() if lost},
            {pair: twice for pair, (_, twice, _, _) in heard.items() if twice},
            max(longest_ms for _, _, longest_ms, _ in heard.values()),
            sum(sent for _, _, _, sent in heard.values()),
        )

    def _all_answer(self, more: int) -> None:
        well = answered(self.running, more)
        silent = set(self.running) - set(well)
        assert not silent, f"{silent} are silent for good"


def _cost(before: PingStats, after: PingStats, pings: Sequence[Ping]) -> tuple[int, int, float, int]:
    """Lost, twice, for how many ms all were lost at most, sent: between two looks."""
    new = pings[before.sent :]
    lost = after.sent - after.answered - (before.sent - before.answered)
    longest = max((outage.lost for outage in outages(new, INTERVAL_MS)), default=0)
    return lost, after.twice - before.twice, longest * INTERVAL_MS, len(new)


@contextlib.contextmanager
def watched(mesh: Mesh, hosts: tuple[str, ...]) -> Iterator[Watched]:
    """For as long as the block runs. Each of the hosts has a container `web`."""
    lab = load_lab(mesh.directory)
    addresses = {host: mesh.address(host) for host in hosts}
    containers = {host: mesh.container_address(host) for host in hosts}
    with contextlib.ExitStack() as stack:
        running: dict[Pair, Pinging] = {}
        for one in hosts:
            for other in hosts:
                if one != other:
                    here = lab.host(one)
                    running[one, other, "hosts"] = stack.enter_context(pinging(lab, here, addresses[other]))
                    to = pinging(lab, here, containers[other], "web")
                    running[one, other, "containers"] = stack.enter_context(to)
        yield Watched(running)
