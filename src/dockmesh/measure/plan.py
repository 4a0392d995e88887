"""What is measured when, and what each host is told for it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dockmesh.measure.types import Figure, Pace, Pair, Step
from dockmesh.plan.types import HostPlan

INTERVAL_S = 0.05  # between two pings of one host to one other
DATAGRAM_BYTES = 64
# Streams that one host sends at once, at most: beyond that Python's own threads are measured.
AT_ONCE = 8
KINDS = {Figure.LATENCY: "ping", Figure.GOODPUT: "tcp", Figure.ALL_PAIRS: "tcp", Figure.PACKETS: "udp"}
# What a step takes beside its seconds: until the last host has begun, and until what is on its way has arrived.
SPARE_S = 8.0
USUAL_SPARE_S = 1.0


def pairs_of(hosts: Sequence[str], distance: int) -> Iterator[Pair]:
    """Each host with the one so many places after it."""
    for place, source in enumerate(hosts):
        yield Pair(source, hosts[(place + distance) % len(hosts)])


def steps(hosts: Sequence[str], pace: Pace) -> tuple[Step, ...]:
    """In their order. Of many pairs those are chosen in which every host sends and receives equally often.

    >>> [str(pair) for step in steps(["a", "b", "c"], Pace(pairs=2, figures=(Figure.GOODPUT,))) for pair in step.pairs]
    ['a → b', 'b → c']
    """
    every = [pair for distance in range(1, len(hosts)) for pair in pairs_of(hosts, distance)]
    some = every[: pace.pairs]
    at_once = tuple(every[: len(hosts) * AT_ONCE])
    found: dict[Figure, list[tuple[Pair, ...]]] = {
        Figure.LATENCY: [tuple(every)],
        Figure.GOODPUT: [(pair,) for pair in some],
        Figure.ALL_PAIRS: [at_once],
        Figure.PACKETS: [(pair,) for pair in some],
    }
    return tuple(Step(figure, pairs) for figure in Figure if figure in pace.figures for pairs in found[figure])


def lasts_s(chosen: Sequence[Step], pace: Pace) -> float:
    """About how long all takes."""
    return len(chosen) * (pace.seconds + USUAL_SPARE_S)


def life_s(pace: Pace) -> float:
    """How long the script of one step lives at most."""
    return pace.seconds + SPARE_S


def orders(step: Step, hosts: Mapping[str, HostPlan], pace: Pace, token: str, port: int) -> dict[str, dict[str, Any]]:
    """What agent/measure.py is told, by host; hosts that have no part in the step are not in it."""
    sources = {name: [pair.source for pair in step.pairs if pair.target == name] for name in hosts}
    targets = {name: [pair.target for pair in step.pairs if pair.source == name] for name in hosts}
    pings = step.figure is Figure.LATENCY
    return {
        name: {
            "kind": KINDS[step.figure],
            "token": token,
            "address": str(host.address.ip),
            "port": port,
            "expect": [] if pings else sources[name],
            "targets": [
                {
                    "name": target,
                    "address": str(hosts[target].address.ip),
                    "port": port,
                    "place": sources[target].index(name),
                }
                for target in targets[name]
            ],
            "seconds": pace.seconds,
            "life_s": life_s(pace),
            "interval_s": INTERVAL_S,
            "size": DATAGRAM_BYTES,
            "rate": _rate(step.figure, len(targets[name]), pace),
        }
        for name, host in hosts.items()
        if targets[name] or (sources[name] and not pings)
    }


def _rate(figure: Figure, streams: int, pace: Pace) -> int:
    """Bits a second of each stream, or datagrams a second."""
    return pace.packets if figure is Figure.PACKETS else pace.limit_mbit * 1_000_000 // max(1, streams)


def told(hosts: Sequence[str], chosen: Sequence[Step], pace: Pace) -> list[tuple[str, str]]:
    """What will be sent, a line a figure, before anything is."""
    lines = []
    for figure in Figure:
        of_it = [step for step in chosen if step.figure is figure]
        if of_it:
            lines.append((str(figure), _told(figure, hosts, of_it, pace)))
    return lines


def _told(figure: Figure, hosts: Sequence[str], chosen: Sequence[Step], pace: Pace) -> str:
    count = len(hosts) * (len(hosts) - 1)
    one_by_one = f"{len(chosen)} of {count} pairs" if len(chosen) < count else f"{count} pairs"
    match figure:
        case Figure.LATENCY:
            return f"{count} pairs at once, {1 / INTERVAL_S:.0f} pings a second each"
        case Figure.GOODPUT:
            return f"{one_by_one} one after another, at most {pace.limit_mbit} Mbit/s"
        case Figure.ALL_PAIRS:
            others = len(chosen[0].pairs) // len(hosts)
            return f"each host to {others} others at once, at most {pace.limit_mbit} Mbit/s from each host"
        case Figure.PACKETS:
            return f"{one_by_one} one after another, at most {pace.packets:,} datagrams a second"
