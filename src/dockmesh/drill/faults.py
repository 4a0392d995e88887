"""The faults that there are, and their words on the command line: pure."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dockmesh.drill.types import Fault, FaultKind
from dockmesh.errors import UsageError
from dockmesh.model.mesh import Forwarding
from dockmesh.plan.types import Plan

ALL = "all"
LINK, SIDE, HOSTS = "A,B", "A[,B…]", "A[,B…] or all"
AMOUNT = re.compile(r"(\d{1,7})(%|kbit)")


@dataclass(frozen=True, slots=True)
class About:
    """What is to be known of a kind."""

    what: str
    of: str  # what is named after the colon
    harmless: bool  # it may be done on real hosts: only what goes through tunnels is touched, and it heals by itself
    by_itself: bool  # it is over without us
    amount: tuple[int, str] | None = None  # its default, and its unit


ABOUT: Mapping[FaultKind, About] = {
    FaultKind.CUT: About("nothing passes between two linked hosts", LINK, harmless=True, by_itself=False),
    FaultKind.ONE_WAY: About("nothing passes from A to B; from B to A all does", LINK, harmless=True, by_itself=False),
    FaultKind.LOSSY: About(
        "so many percent are lost between two linked hosts", LINK, harmless=True, by_itself=False, amount=(5, "%")
    ),
    FaultKind.SLOW: About(
        "only so many kbit/s pass each way between two linked hosts",
        LINK, harmless=True, by_itself=False, amount=(64, "kbit"),
    ),
    FaultKind.PARTITION: About(
        "nothing passes between these hosts and the others", SIDE, harmless=True, by_itself=False
    ),
    FaultKind.CRASH: About(
        "the power of these hosts is cut, then they are started", HOSTS, harmless=False, by_itself=False
    ),
    FaultKind.REBOOT: About("these hosts reboot as their owner would do it", HOSTS, harmless=False, by_itself=True),
    FaultKind.SWITCH: About("ovs-vswitchd is killed with SIGKILL", HOSTS, harmless=False, by_itself=True),
    FaultKind.DOCKER: About("Docker is stopped, then started", HOSTS, harmless=False, by_itself=False),
}  # fmt: skip
ON_LINKS = tuple(kind for kind, about in ABOUT.items() if about.of == LINK)
ON_HOSTS = tuple(kind for kind, about in ABOUT.items() if about.of == HOSTS)


def words(fault: Fault) -> str:
    """As a person says it."""
    a, *others = fault.hosts
    names = and_(fault.hosts)
    match fault.kind:
        case FaultKind.CUT:
            return f"nothing passes between {names}"
        case FaultKind.ONE_WAY:
            return f"nothing passes from {a} to {others[0]}"
        case FaultKind.LOSSY:
            return f"{fault.amount} % are lost between {names}"
        case FaultKind.SLOW:
            return f"{fault.amount} kbit/s pass between {names}"
        case FaultKind.PARTITION:
            return f"nothing passes between {names} and the others"
        case FaultKind.CRASH:
            return f"the power of {names} is cut"
        case FaultKind.REBOOT:
            return f"{names} {_verb(fault, 'reboots', 'reboot')}"
        case FaultKind.SWITCH:
            return f"ovs-vswitchd on {names} is killed"
        case FaultKind.DOCKER:
            return f"Docker on {names} is stopped"


def parse(text: str, plan: Plan, dice: random.Random) -> Fault:
    """`cut:host1,host2`; what is not named, the dice choose.

    Raises UsageError.
    """
    kind, _, rest = text.partition(":")
    if kind not in list(FaultKind):
        raise UsageError(f"{text!r}: there is no fault {kind!r}", do=f"take one of {', '.join(FaultKind)}")
    if not rest:
        return checked(draw(plan, FaultKind(kind), dice), plan)
    named = [word.strip() for word in rest.split(",")]
    amount = _amount(text, FaultKind(kind), named)
    if named == [ALL] and FaultKind(kind) in ON_HOSTS:
        named = [host.name for host in plan.hosts]
    return checked(Fault(FaultKind(kind), tuple(named), amount), plan)


def _amount(text: str, kind: FaultKind, named: list[str]) -> int | None:
    """Takes it out of the words, if it is the last of them."""
    default = ABOUT[kind].amount
    if default is None:
        return None
    if not (found := AMOUNT.fullmatch(named[-1])):
        return default[0]
    if found[2] != default[1] or not 1 <= int(found[1]) <= (100 if found[2] == "%" else 10**6):
        raise UsageError(f"{text!r}: {named[-1]} is no amount for {kind}", do=f"write it like {default[0]}{default[1]}")
    named.pop()
    return int(found[1])


def checked(fault: Fault, plan: Plan) -> Fault:
    """The same, or UsageError where this mesh has no such link, host or side, or would not bear it."""
    names = [host.name for host in plan.hosts]
    if unknown := [name for name in fault.hosts if name not in names]:
        raise UsageError(f"{fault}: the mesh has no host {', '.join(unknown)}", do=f"its hosts are {', '.join(names)}")
    if len(set(fault.hosts)) != len(fault.hosts):
        raise UsageError(f"{fault}: a host is named twice", do="name each once")
    if fault.kind in ON_LINKS:
        if len(fault.hosts) != 2 or frozenset(fault.hosts) not in {frozenset((link.a, link.b)) for link in plan.links}:
            links = ", ".join(f"{link.a},{link.b}" for link in plan.links[:6])
            raise UsageError(
                f"{fault}: that is not a link of this mesh",
                do=f"its links are {links}{'…' if len(plan.links) > 6 else ''}",
            )
    elif fault.kind is FaultKind.PARTITION and len(fault.hosts) >= len(names):
        raise UsageError(f"{fault}: that leaves nobody on the other side", do="name the hosts of one side")
    if fault.kind is FaultKind.ONE_WAY and plan.fabric.forwarding is Forwarding.STP:
        raise UsageError(
            f"{fault}: with stp nobody notices a link that carries frames one way only, and it can close a circle",
            do="take cut, or `forwarding: rstp`",
        )
    return fault


def draw(plan: Plan, kind: FaultKind, dice: random.Random) -> Fault:
    """A fault of this kind, somewhere in this mesh."""
    names = [host.name for host in plan.hosts]
    amount = ABOUT[kind].amount
    if kind in ON_LINKS:
        link = dice.choice(plan.links)
        ends = (link.a, link.b) if dice.random() < 0.5 else (link.b, link.a)
        return Fault(kind, ends if kind is FaultKind.ONE_WAY else (link.a, link.b), amount[0] if amount else None)
    if kind is FaultKind.PARTITION:
        side = set(dice.sample(names, dice.randint(1, max(1, len(names) // 2))))
        return Fault(kind, tuple(name for name in names if name in side))
    return Fault(kind, (dice.choice(names),))


def draw_many(plan: Plan, kinds: Sequence[FaultKind], seed: int, count: int) -> tuple[Fault, ...]:
    """The same for the same mesh, kinds and seed; not one fault twice in a row, if there are others."""
    dice = random.Random(seed)  # noqa: S311  no secret
    kinds = [kind for kind in kinds if kind is not FaultKind.ONE_WAY or plan.fabric.forwarding is not Forwarding.STP]
    drawn: list[Fault] = []
    for _ in range(count):
        fault = draw(plan, dice.choice(kinds), dice)
        if drawn and fault == drawn[-1]:
            fault = draw(plan, dice.choice(kinds), dice)
        drawn.append(fault)
    return tuple(drawn)


def and_(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _verb(fault: Fault, one: str, many: str) -> str:
    return one if len(fault.hosts) == 1 else many
