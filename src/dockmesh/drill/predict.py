"""Plan × fault → for each ordered pair of hosts: who must stay connected, and how long an outage may last. Pure."""

import math
from collections.abc import Set
from dataclasses import dataclass
from itertools import pairwise, permutations

from dockmesh.drill.faults import ABOUT, and_
from dockmesh.drill.rule import Rule, Terms, Ways, rule
from dockmesh.drill.types import Allowance, Expected, Fault, FaultKind, Pair, PairState, Prediction
from dockmesh.plan.resilience import Term
from dockmesh.plan.types import Link, Plan

INTERVAL_MS = 10
# Beyond this share of lost packets BFD gives a link up and takes it again as chance will have it: of 0.2 ** 3, three in
# a row come about once in a hundred tries, ten of which a link has each second.
MOST_LOSS = 20
# Runs of lost pings that come once in so many are not predicted.
SELDOM = 1e-6

Way = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _World:
    """What every pair's expectation is made from."""

    rule: Rule
    fault: Fault
    before: Ways
    during: Ways
    ping: Term

    @property
    def moves(self) -> bool:
        """Whether frames of anybody go another way."""
        return any(self.during.get(pair) != way for pair, way in self.before.items())


def predict(plan: Plan, fault: Fault, interval_ms: int = INTERVAL_MS) -> Prediction:
    """For pings every `interval_ms` milliseconds."""
    found = rule(plan)
    links, hosts = _dead(plan, fault)
    world = _World(
        found,
        fault,
        before=found.ways(plan, frozenset(), frozenset()),
        during=found.ways(plan, links, hosts),
        ping=Term(f"a ping every {interval_ms} ms", 0, interval_ms, "how it is measured"),
    )
    return {pair: _expected(world, pair) for pair in permutations([host.name for host in plan.hosts], 2)}


def hold_ms(prediction: Prediction) -> int:
    """How long the fault must last at least, so that each outage that is allowed can end before it does."""
    return max((each.during.ms for each in prediction.values() if each.state is PairState.CONNECTED), default=0)


def watch_ms(plan: Plan, prediction: Prediction) -> int:
    """How long to watch after the heal: an outage may begin only when the switches see it, and then last."""
    seen = _most(rule(plan).seen)
    return max(each.after.ms + (seen if each.state is PairState.CONNECTED else 0) for each in prediction.values())


def _most(terms: Terms) -> int:
    return sum(term.most for term in terms)


def _dead(plan: Plan, fault: Fault) -> tuple[Set[Link], Set[str]]:
    """The links and hosts without which frames find their way while the fault lasts."""
    named = set(fault.hosts)
    match fault.kind:
        case FaultKind.CUT | FaultKind.ONE_WAY | FaultKind.LOSSY | FaultKind.SLOW:
            return frozenset(link for link in plan.links if {link.a, link.b} == named), frozenset()
        case FaultKind.PARTITION:
            return frozenset(link for link in plan.links if (link.a in named) != (link.b in named)), frozenset()
        case FaultKind.CRASH | FaultKind.REBOOT | FaultKind.SWITCH:
            return frozenset(), frozenset(named)
        case FaultKind.DOCKER:
            return frozenset(), frozenset()


def _expected(world: _World, pair: Pair) -> Expected:
    found, fault = world.rule, world.fault
    before, during = world.before.get(pair), world.during.get(pair)
    harmed = [name for name in pair if name in fault.hosts]
    if before is None:
        return _say(world, PairState.OPEN, (), found.start, "the plan has no path for them")
    if fault.kind is FaultKind.DOCKER:
        return _say(world, PairState.CONNECTED, (), (), "hosts do without Docker; containers may not")
    if fault.kind in (FaultKind.LOSSY, FaultKind.SLOW):
        return _on_impaired_link(world, pair, before, during)
    if fault.kind is FaultKind.SWITCH and harmed:
        return _say(world, PairState.CONNECTED, found.switch, found.back, f"{and_(harmed)} has no switch for a while")
    if fault.kind in (FaultKind.CRASH, FaultKind.REBOOT) and harmed:
        # What would ping is gone with its host; and a host that reboots may answer for a while, or again already.
        state = PairState.APART if fault.kind is FaultKind.CRASH and harmed == [pair[1]] else PairState.OPEN
        return _say(world, state, (), found.start, f"{and_(harmed)} {'is' if len(harmed) == 1 else 'are'} away")
    if during is None:
        return _say(world, PairState.APART, (), found.start, "no path is left")
    if before == during:
        aside = found.aside if world.moves else ()
        return _say(world, PairState.CONNECTED, aside, aside, f"their path stays {_way(pair, before)}")
    # What heals by itself is back before that is known: then whichever of the two outages is longer.
    outage = max(found.cut, found.back, key=_most) if ABOUT[fault.kind].by_itself else found.cut
    return _say(world, PairState.CONNECTED, outage, found.back, f"{_way(pair, before)}, then {_way(pair, during)}")


def _on_impaired_link(world: _World, pair: Pair, before: Way, during: Way | None) -> Expected:
    """BFD may give the link up at any moment, and take it again at the next."""
    found, fault = world.rule, world.fault
    if all(set(step) != set(fault.hosts) for step in pairwise(before)):
        aside = found.aside if world.moves else ()
        return _say(world, PairState.CONNECTED, aside, aside, f"their path changes: {_way(pair, before)}")
    if fault.kind is FaultKind.LOSSY and fault.amount is not None and fault.amount > MOST_LOSS:
        why = f"more than {MOST_LOSS} % lost: BFD takes the link down and up again at random"
        return _say(world, PairState.OPEN, (), found.back, why)
    flap = (*found.cut, *(found.start if during is None else found.back))
    if fault.kind is FaultKind.LOSSY and fault.amount is not None:
        flap = (*flap, _by_chance(fault.amount, world.ping.most))
    return _say(world, PairState.CONNECTED, flap, flap, f"{_way(pair, before)}, and BFD may give that link up")


def _by_chance(percent: int, interval_ms: int) -> Term:
    """Pings lost in a row: each goes over the link twice."""
    lost = 1 - (1 - percent / 100) ** 2
    most = math.ceil(math.log(SELDOM) / math.log(lost))
    return Term(f"up to {most} pings lost in a row by chance", 0, most * interval_ms, f"{lost:.0%} of all are lost")


def _say(world: _World, state: PairState, during: Terms, after: Terms, why: str) -> Expected:
    return Expected(state, Allowance((*during, world.ping)), Allowance((*after, world.ping)), why)


def _way(pair: Pair, way: Way) -> str:
    """That of the ping; the answer may come by another."""
    through = way[1 : way.index(pair[1])]
    return f"via {and_(through)}" if through else "direct"
