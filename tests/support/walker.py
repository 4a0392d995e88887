"""Frames walked through the rendered flows and groups of all hosts of a mesh.

A `Place` is a frame that came in at a host; where it goes from there hangs only on which tunnels are alive there. So
all that can ever become of a frame is a graph of places, and what is true of that graph is true whatever fails: links
and hosts, in one direction or both, seen differently by two ends, or failing while the frame travels.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

from dockmesh.plan.types import HostNetwork, HostPlan, Plan
from dockmesh.render.flows import bundle
from dockmesh.render.openflow import Counts
from tests.support.openflow import LOCAL, Frame, Switch, frame_of

BROADCAST = 0xFFFFFFFFFFFF
IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD


@dataclass(eq=False, slots=True)
class Way:
    """One of several: taken if the link `watch` is alive here, or in any case if that is 0. Links are bits."""

    watch: int
    link: int
    to: "Place"


@dataclass(eq=False, slots=True)
class Place:
    host: str
    frame: Frame
    delivered: tuple[Frame, ...] = ()  # to docker0 here
    sends: tuple[tuple[Way, ...], ...] = ()  # each by one of its ways, or by none
    counts: Counts = Counts.PASSED  # why it ends here, if it does


class FlowMesh:
    """`texts`: what hosts have in place of what the plan says."""

    def __init__(self, plan: Plan, texts: Mapping[str, str] | None = None) -> None:
        self.plan = plan
        self.bits = {frozenset((link.a, link.b)): 1 << place for place, link in enumerate(plan.links)}
        texts = {host.name: bundle(plan, host) for host in plan.hosts} if texts is None else texts
        self.switches = {name: Switch(text) for name, text in texts.items()}
        self._numbers = {host.number: host for host in plan.hosts}
        self._places: dict[tuple[str, int, Frame], Place] = {}

    def sent(self, host: str, frame: Frame, port: int | None = None) -> Place:
        """What this host, or a container of it, sends: the beginning of all that may become of it.

        `port`: where the frame comes in from a further network.
        """
        waiting: list[tuple[str, int, Frame]] = []
        start = self._place((host, port or LOCAL, frame), waiting)
        while waiting:
            here, in_port, header = key = waiting.pop()
            place = self._places[key]
            sent, kind = self.switches[here].receive(in_port, header)
            place.counts = Counts(kind)
            place.delivered = tuple(each.frame for each in sent if each.up)
            place.sends = tuple(
                tuple(
                    Way(
                        0 if bucket.watch is None else self._link(here, bucket.watch),
                        self._link(here, bucket.port),
                        self._place((self._numbers[bucket.port].name, self._number(here), each.frame), waiting),
                    )
                    for bucket in each.buckets
                )
                for each in sent
                if not each.up
            )
        return start

    def _place(self, key: tuple[str, int, Frame], waiting: list[tuple[str, int, Frame]]) -> Place:
        if key not in self._places:
            self._places[key] = Place(key[0], key[2])
            waiting.append(key)
        return self._places[key]

    def _number(self, host: str) -> int:
        return self.plan.host(host).number

    def _link(self, host: str, port: int) -> int:
        ends = frozenset((host, self._numbers[port].name))
        return self.bits.setdefault(ends, 1 << len(self.bits))  # where texts are of another plan

    def dead(self, *links: tuple[str, str]) -> int:
        return sum(self.bits[frozenset(link)] for link in links)

    def dead_host(self, host: str) -> int:
        return sum(bit for ends, bit in self.bits.items() if host in ends)


def walk(start: Place, dead: int = 0, seen: Mapping[str, int] | None = None) -> tuple[list[tuple[str, Frame]], int]:
    """Where copies of a frame arrive, and over how many links the longest way went; raises AssertionError for a loop.

    `dead` links pass nothing. `seen`: which links a host takes for dead, where that is not these.
    """
    arrived: list[tuple[str, Frame]] = []
    longest = 0
    waiting = [(start, 0)]
    while waiting:
        place, hops = waiting.pop()
        while True:
            assert hops <= 1000, f"a loop at {place.host}"
            longest = max(longest, hops)
            arrived += [(place.host, frame) for frame in place.delivered]
            down = dead if seen is None else seen.get(place.host, dead)
            taken = [way for ways in place.sends if (way := _first(ways, down)) and not way.link & dead]
            if len(taken) != 1:
                waiting += [(way.to, hops + 1) for way in taken]
                break
            place, hops = taken[0].to, hops + 1
    return arrived, longest


def _first(ways: tuple[Way, ...], down: int) -> Way | None:
    for way in ways:
        if not way.watch & down:
            return way
    return None


def places(start: Place) -> Iterator[Place]:
    """All that a frame may come to."""
    found, waiting = {start}, [start]
    while waiting:
        place = waiting.pop()
        yield place
        for way in (way for ways in place.sends for way in ways):
            if way.to not in found:
                found.add(way.to)
                waiting.append(way.to)


def always_ends(start: Place) -> bool:
    """Whether no place can come after itself: then nothing circles, whatever fails, and whenever."""
    open_, done = set[Place](), set[Place]()
    waiting = [(start, False)]
    while waiting:
        place, left = waiting.pop()
        if left:
            open_.discard(place)
            done.add(place)
        elif place in open_:
            return False
        elif place not in done:
            open_.add(place)
            waiting.append((place, True))
            for way in (way for ways in place.sends for way in ways):
                if way.to in open_:
                    return False
                waiting.append((way.to, False))
    return True


def never_doubles(start: Place) -> bool:
    """Whether copies are made at the source only, each of them for another host, and each is in one place at a time."""
    after = [place for place in places(start) if place is not start]
    ends = [{place.host for way in ways for place in places(way.to) if place.delivered} for ways in start.sends if ways]
    return (
        all(len(place.sends) + len(place.delivered) <= 1 for place in after)
        and all(len(hosts) == 1 for hosts in ends)
        and len(set[str]().union(*ends)) == len(ends)
    )


def with_prefixes(host: HostPlan, *prefixes: IPv4Network | IPv6Network) -> HostPlan:
    """As if these were the addresses of its docker0 and of the containers there."""
    docker0, *further = host.networks
    return replace(host, networks=(replace(docker0, prefixes=prefixes), *further))


def with_ipv6(plan: Plan) -> Plan:
    """As if each host had a prefix of IPv6, too, fd00:1::/64 and so on."""
    hosts = (
        with_prefixes(host, *host.docker0.prefixes, IPv6Network(f"fd00:{place}::/64"))
        for place, host in enumerate(plan.hosts, start=1)
    )
    return replace(plan, hosts=tuple(hosts))


# ---- frames


def container(host: HostPlan | HostNetwork) -> IPv4Address:
    """An address that Docker may give there, in docker0 or in that network."""
    return host.pool.network_address + 77


def mac(address: IPv4Address) -> int:
    return 0x0242 << 32 | int(address)


def ping(source: IPv4Address, destination: IPv4Address) -> Frame:
    return frame_of(
        eth_src=mac(source),
        eth_dst=mac(destination),
        eth_type=IPV4,
        nw_src=int(source),
        nw_dst=int(destination),
        nw_proto=1,
    )


def who_has(source: IPv4Address, wanted: IPv4Address) -> Frame:
    """A request of ARP, to all."""
    return _arp(1, source, wanted, BROADCAST)


def is_at(source: IPv4Address, asker: IPv4Address) -> Frame:
    """The answer, to one."""
    return _arp(2, source, asker, mac(asker))


def _arp(operation: int, source: IPv4Address, target: IPv4Address, to: int) -> Frame:
    return frame_of(
        eth_src=mac(source),
        eth_dst=to,
        eth_type=ARP,
        arp_op=operation,
        arp_sha=mac(source),
        arp_spa=int(source),
        arp_tpa=int(target),
    )


def to_all(source: IPv4Address, destination: str = "255.255.255.255") -> Frame:
    """A broadcast, or a multicast, of IPv4."""
    target = IPv4Address(destination)
    group = 0x01005E000000 | int(target) & 0x7FFFFF if target.is_multicast else BROADCAST
    return frame_of(
        eth_src=mac(source), eth_dst=group, eth_type=IPV4, nw_src=int(source), nw_dst=int(target), nw_proto=17
    )


def ipv6(source: str, destination: str, *, eth_dst: int | None = None, **more: int) -> Frame:
    target = int(ip_address(destination))
    if eth_dst is None:
        eth_dst = 0x333300000000 | target & 0xFFFFFFFF if target >> 120 == 0xFF else 0x024200000000 | target & 0xFFFF
    return frame_of(
        eth_src=0x024200000000 | int(ip_address(source)) & 0xFFFF,
        eth_dst=eth_dst,
        eth_type=IPV6,
        ipv6_src=int(ip_address(source)),
        ipv6_dst=target,
        **more,
    )
