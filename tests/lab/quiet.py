"""Pings every 10 ms between every two hosts and their containers, and what of them is lost while something is done."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from dockmesh.lab.pings import ANSWER, INTERVAL_S, Pinging, pinging
from dockmesh.lab.store import load as load_lab
from tests.lab.mesh import Mesh

Pair = tuple[str, str, str]  # from whom, to whom, and whether "hosts" or "containers"
Link = frozenset[str]
DEADLINE_S = 120


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
        self._answered(20)
        begins = {pair: each.output.stat().st_size for pair, each in chosen.items()}
        act()
        self._answered(100)
        heard = {pair: _read(each, begins[pair]) for pair, each in chosen.items()}
        return Cost(
            {pair: lost for pair, (lost, _, _, _) in heard.items() if lost},
            {pair: twice for pair, (_, twice, _, _) in heard.items() if twice},
            max(longest_ms for _, _, longest_ms, _ in heard.values()),
            sum(sent for _, _, _, sent in heard.values()),
        )

    def _answered(self, more: int) -> None:
        for pair, pings in self.running.items():
            assert pings.wait_for_answers(more, DEADLINE_S), f"{pair} is silent for good"


def _read(pings: Pinging, begin: int) -> tuple[int, int, float, int]:
    """Lost, twice, for how many ms all were lost at most, sent: of what was written since."""
    with pings.output.open(errors="replace") as output:
        output.seek(begin)
        text = output.read()
    answers = sorted({int(number) for _, number in ANSWER.findall(text)})
    sent = answers[-1] - answers[0] + 1
    longest = max(later - earlier - 1 for earlier, later in pairwise(answers))
    return sent - len(answers), text.count("(DUP!)"), longest * INTERVAL_S * 1000, sent


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
