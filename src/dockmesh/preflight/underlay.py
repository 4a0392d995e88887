"""Between the hosts: whether the tunnels' own protocol passes, and how large a packet may be."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dockmesh.facts.iptables import Fate, Seen
from dockmesh.plan.types import Plan
from dockmesh.preflight.firewalls import find_guilty, how_to_open
from dockmesh.preflight.types import Check, Evidence, Finding, Level, PeerReach

SMALL, FULL = "small", "full"  # the two kinds of packets of agent.reach
SILENT = "nothing passes, not even a ping"
OPEN_BETWEEN = (
    "open {} both ways between the hosts, in the cloud's security group or network ACL, or in a firewall on the way"
)
GRE_IS_NOT_UDP = "; a rule for TCP and UDP alone is not enough"
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Direction:
    """From one host to another, as both of them saw it."""

    source: str
    target: str
    sent: PeerReach  # of the source, about the target
    got: PeerReach  # of the target, about the source


def judge(plan: Plan, evidence: Evidence) -> tuple[Finding, ...]:
    """Of the links whose both ends took part."""
    wire = plan.wire
    failed = {name: reach.error for name, reach in evidence.reach.items() if reach.error}
    found = [
        Finding(
            Check.TUNNEL,
            Level.UNKNOWN,
            (name,),
            f"could not send and hear {wire.name}: {error}",
            "check that python3 works",
        )
        for name, error in failed.items()
    ]
    directions = [
        Direction(source, target, evidence.reach[source].peers[target], evidence.reach[target].peers[source])
        for link in plan.links
        for source, target in ((link.a, link.b), (link.b, link.a))
        if _took_part(evidence, source, target) and _took_part(evidence, target, source)
        if not plan.host(target).is_dynamic
    ]
    lost = [each for each in directions if SMALL not in _way(plan, each)]
    short = [each for each in directions if SMALL in _way(plan, each) and FULL not in _way(plan, each)]
    hidden = [each for each in lost if _is_hidden(plan, each)]
    others = [each for each in lost if each not in hidden]
    found += [*_hidden(plan, hidden), *_lost(plan, evidence, others), *_short(plan, short)]
    found += _fine(plan, directions, lost, short)
    return tuple(found)


def _took_part(evidence: Evidence, host: str, peer: str) -> bool:
    reach = evidence.reach.get(host)
    return reach is not None and reach.error is None and peer in reach.peers


def _way(plan: Plan, direction: Direction) -> frozenset[str]:
    """Open vSwitch takes packets off the device itself, before any firewall of the host, if the kernel does not."""
    return direction.got.raw if plan.fabric.in_kernel else direction.got.wire


def _is_hidden(plan: Plan, each: Direction) -> bool:
    """Whether the target looks like one behind a NAT: it is heard, and nothing gets there, not even a ping."""
    heard = each.sent.raw | each.sent.wire
    return SMALL in heard and each.sent.ping_ms is None and plan.host(each.target).endpoint is None


def _hidden(plan: Plan, hidden: Sequence[Direction]) -> Iterator[Finding]:
    by_target: dict[str, list[str]] = defaultdict(list)
    for each in hidden:
        by_target[each.target].append(each.source)
    for target, sources in by_target.items():
        named = ", ".join(sources)
        what = f"{plan.wire.name} from it arrives at {named}, and nothing from there here, not even a ping"
        at = "set `endpoint: dynamic` for it in the file"
        at += "" if plan.fabric.encryption else ", and `encryption: wireguard` under `fabric`"
        do = f"if it is behind a NAT, {at}; else see `ip route get {plan.host(target).underlay}` on {sources[0]}"
        pairs = tuple((source, target) for source in sources)
        yield Finding(Check.TUNNEL, Level.BLOCKER, (target,), what, do, pairs)


def _lost(plan: Plan, evidence: Evidence, lost: Sequence[Direction]) -> Iterator[Finding]:
    filtered: list[Pair] = []
    silent: list[Pair] = []
    dropped: list[Direction] = []
    for each in lost:
        pair = (each.source, each.target)
        if error := each.sent.errors.get(SMALL):
            yield _not_sent(plan, each, error)
        elif SMALL in each.got.wire:
            dropped.append(each)
        elif each.sent.ping_ms is not None or each.got.ping_ms is not None:
            filtered.append(pair)
        else:
            silent.append(pair)
    yield from _dropped_by_host(plan, evidence, dropped)
    wire = plan.wire
    open_between = OPEN_BETWEEN.format(wire.protocol) + ("" if wire.port else GRE_IS_NOT_UDP)
    for pairs, what, do in (
        (filtered, f"{wire} does not pass, a ping does", open_between),
        (silent, SILENT, "check that the underlay addresses of the file are right, and that the network routes them"),
    ):
        for hosts, group in blame(pairs):
            yield Finding(Check.TUNNEL, Level.BLOCKER, hosts, f"{what}: {_arrows(group)}", do, tuple(group))


def _not_sent(plan: Plan, each: Direction, error: str) -> Finding:
    pair = ((each.source, each.target),)
    wire = plan.wire
    what = f"cannot send {wire.name} to {each.target}: {error}"
    if error == "EPERM":
        if not plan.fabric.in_kernel:
            # Open vSwitch would send it past the kernel's rules, and we cannot.
            return Finding(Check.TUNNEL, Level.UNKNOWN, (each.source,), what, "run `dockmesh verify` after apply", pair)
        program = "iptables" if plan.ip_version == 4 else "ip6tables"
        matched = f"-p {wire.protocols[0]}{f' --dport {wire.port}' if wire.port else ''}"
        do = f"let it out in its own firewall: `{program} -I OUTPUT {matched} -j ACCEPT`, or its like in nftables"
        return Finding(Check.TUNNEL, Level.BLOCKER, (each.source,), f"{what}: its own firewall forbids it", do, pair)
    do = f"see `ip route get {plan.host(each.target).found_at}` on it"
    return Finding(Check.TUNNEL, Level.BLOCKER, (each.source,), what, do, pair)


def _dropped_by_host(plan: Plan, evidence: Evidence, dropped: Sequence[Direction]) -> Iterator[Finding]:
    """One finding for a host and a rule of it."""
    wire = plan.wire
    by_rule: dict[tuple[str, Seen], list[str]] = defaultdict(list)
    for each in dropped:
        known, underlay = evidence.hosts[each.target], plan.host(each.target).underlay
        devices = [link.name for link in known.facts.links if link.has(underlay)]
        seen = find_guilty(known, wire, devices[0] if devices else "", plan.host(each.source).found_at)
        by_rule[each.target, seen].append(each.source)
    for (target, seen), sources in by_rule.items():
        why = f": {seen.rule}" if seen.fate is not Fate.PASSES else ""
        what = f"{wire.name} from {', '.join(sources)} arrives, and its own firewall drops it{why}"
        found = [plan.host(source).found_at for source in sources]
        do = how_to_open(evidence.hosts[target], wire, found, seen, version=plan.ip_version)
        pairs = tuple((source, target) for source in sources)
        yield Finding(Check.TUNNEL, Level.BLOCKER, (target,), what, do, pairs)


def _short(plan: Plan, short: Sequence[Direction]) -> Iterator[Finding]:
    """With the size that does pass: the smallest, as two ways and two links may differ by the devices at their ends."""
    size = plan.mtu_sum.underlay
    passing = {(each.source, each.target): (each.sent.largest, each.got.largest) for each in short}
    for hosts, group in blame(list(passing)):
        largest = min((each for pair in group for each in passing[pair] if each is not None), default=None)
        what = f"packets of {size} bytes with DF are lost: {_arrows(group)}"
        if largest is None or largest >= size:
            do = "compare the MTU of every device on the way; a tunnel on the way takes some bytes of it"
        else:
            what += f"; the largest that passes has {largest}"
            do = f"set `underlay_mtu: {largest}` in the file for {hosts[0]}, or raise the MTU on the way to {size}"
        yield Finding(Check.PATH_MTU, Level.BLOCKER, hosts, what, do, tuple(group))


def _fine(
    plan: Plan, directions: Sequence[Direction], lost: Sequence[Direction], short: Sequence[Direction]
) -> Iterator[Finding]:
    for host in plan.hosts:
        mine = [each for each in directions if host.name in (each.source, each.target)]
        if not mine or any(each in lost for each in mine):
            continue
        to = [each.target for each in mine if each.source == host.name]
        from_alone = [each.source for each in mine if each.target == host.name and each.source not in to]
        both = f"{'to' if host.is_dynamic else 'to and from'} {', '.join(to)}" if to else ""
        ways = " and ".join(filter(None, (both, f"from {', '.join(from_alone)}" if from_alone else "")))
        yield Finding(Check.TUNNEL, Level.FINE, (host.name,), f"{plan.wire.name} passes {ways}")
        if not any(each in short for each in mine):
            of_all = "to all of them" if host.is_dynamic else "to and from all of them"
            what = f"packets of {plan.mtu_sum.underlay} bytes pass {of_all if to else ways}"
            yield Finding(Check.PATH_MTU, Level.FINE, (host.name,), what)


def blame(pairs: Sequence[Pair]) -> Iterator[tuple[tuple[str, ...], Sequence[Pair]]]:
    """Groups of pairs with who is to be looked at: one host that has part in all of several links, or both ends."""
    links = list(dict.fromkeys(frozenset(pair) for pair in pairs))
    while links:
        counts: dict[str, int] = defaultdict(int)
        for link in links:
            for name in link:
                counts[name] += 1
        name = min(counts, key=lambda each: (-counts[each], each))
        group = [link for link in links if name in link]
        links = [link for link in links if link not in group]
        part = [pair for pair in pairs if frozenset(pair) in group]
        yield ((name,) if len(group) > 1 else tuple(sorted(group[0])), part)


def _arrows(pairs: Sequence[Pair]) -> str:
    """`a ↔ b` where both ways are meant, `a → b` where one is."""
    shown = []
    for source, target in pairs:
        if (target, source) not in pairs:
            shown.append(f"{source} → {target}")
        elif source < target:
            shown.append(f"{source} ↔ {target}")
    more = f" and {len(shown) - 6} more" if len(shown) > 6 else ""
    return f"{', '.join(shown[:6])}{more}"
