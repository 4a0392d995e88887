"""OpenFlow as `render/flows.py` writes it, read back and carried out: that subset exactly, and an error for all else.

A frame is its fields by OVS's names, numbers all (ovs-fields(7)). What is read here is the text that hosts install, so
what the walker says holds for them as far as this is Open vSwitch; tests/lab/test_direct_rules.py compares the two.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Frame = tuple[tuple[str, int], ...]  # sorted; what is not there is 0

LOCAL = 0xFFFE
MAC_BITS = 48
# A word that stands for fields with these values.
SHORT = {
    "ip": {"eth_type": 0x0800},
    "arp": {"eth_type": 0x0806},
    "ipv6": {"eth_type": 0x86DD},
    "udp": {"eth_type": 0x0800, "nw_proto": 17},
    "icmp6": {"eth_type": 0x86DD, "nw_proto": 58},
}
NAMES = {
    "dl_src": "eth_src",
    "dl_dst": "eth_dst",
    "NXM_OF_ETH_SRC": "eth_src",
    "NXM_OF_ETH_DST": "eth_dst",
    "NXM_OF_IP_DST": "nw_dst",
    "NXM_NX_IPV6_DST": "ipv6_dst",
    "NXM_NX_REG0": "reg0",
    "NXM_NX_REG1": "reg1",
    "NXM_NX_REG7": "reg7",
}


@dataclass(frozen=True, slots=True)
class Bucket:
    watch: int | None  # a port; None: it is always alive
    port: int


@dataclass(frozen=True, slots=True)
class Flow:
    kind: int  # the low 8 bits of the cookie
    table: int
    priority: int
    match: tuple[tuple[str, int, int], ...]  # field, value, mask
    actions: tuple[str, ...]

    def fits(self, frame: dict[str, int]) -> bool:
        for name, value, mask in self.match:  # noqa: SIM110 — all() takes twice as long, and this is most of a walk
            if frame.get(name, 0) & mask != value:
                return False
        return True


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame on its way out: up to the local port or that of another network, or by the first of `buckets` alive.

    Beside a spanning tree `up` is what the bridge does as it likes.

    One that leaves by the port of another network has its number, as `out_port`.
    """

    frame: Frame
    up: bool
    buckets: tuple[Bucket, ...] = ()


class Switch:
    def __init__(self, text: str) -> None:
        self.groups: dict[int, tuple[Bucket, ...]] = {}
        self.tables: dict[int, list[Flow]] = {}
        cookies, deleted, heads, gone = set(), list[tuple[int, int]](), set[str](), set[str]()
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            what, how, words = line.split(" ", 2)
            match what, how:
                case "group", "add_or_mod":
                    self._group(words)
                case "flow", "add":
                    cookie, flow = read_flow(words)
                    cookies.add(cookie & ~0xFF)
                    heads.add(words.split(",", 1)[1].split(",actions=")[0])
                    self.tables.setdefault(flow.table, []).append(flow)
                case "flow", "delete_strict":
                    gone.add(words)
                case "flow", "delete":
                    value, mask = (int(each, 16) for each in words.removeprefix("cookie=").split("/"))
                    deleted.append((value, mask))
                case _:
                    raise AssertionError(line)
        (self.cookie,) = cookies
        assert not heads & gone, "it deletes what it adds"
        assert not any(self.cookie & mask == value for value, mask in deleted), "it deletes its own flows"
        self.deleted = deleted
        for flows in self.tables.values():
            flows.sort(key=lambda flow: -flow.priority)

    def _group(self, words: str) -> None:
        head, *buckets = words.split(",bucket=")
        number, kind = re.fullmatch(r"group_id=(\d+),type=(\w+)", head).groups()  # type: ignore[union-attr]
        if kind == "indirect":
            assert buckets == ["actions=drop"]
            self.groups[int(number)] = ()
            return
        assert kind == "ff"
        found = []
        for bucket in buckets:
            watch, action = bucket.split(",actions=")
            key, value = watch.split("=")
            assert key == "watch_port" or self.groups[int(value)] == ()
            out = -1 if action == "in_port" else int(action.removeprefix("output:"))
            found.append(Bucket(int(value) if key == "watch_port" else None, out))
        self.groups[int(number)] = tuple(found)

    def receive(self, in_port: int, frame: Frame) -> tuple[tuple[Sent, ...], int]:
        """What becomes of a frame, whatever is alive; and the kind of the flow that ended it."""
        run = _Run(self, {**dict(frame), "in_port": in_port})
        run.table(0)
        return tuple(run.sent), run.kind


class _Run:
    def __init__(self, switch: Switch, frame: dict[str, int]) -> None:
        self.switch, self.frame = switch, frame
        self.sent: list[Sent] = []
        self.kind = 0

    def table(self, number: int) -> None:
        fitting = [flow for flow in self.switch.tables[number] if flow.fits(self.frame)]
        flow = fitting[0]
        rivals = [other for other in fitting[1:] if other.priority == flow.priority]
        assert all(other.actions == flow.actions for other in rivals), f"either may be taken: {flow}, {rivals}"
        self.kind = flow.kind
        for place, action in enumerate(flow.actions):
            if onward := re.fullmatch(r"goto_table:(\d+)", action):
                assert int(onward[1]) > number, "goto_table only climbs"
                assert place == len(flow.actions) - 1, "goto_table ends a list"
                self.table(int(onward[1]))
            elif inner := re.fullmatch(r"resubmit\(,(\d+)\)", action):
                self.table(int(inner[1]))
            else:
                self._do(action)

    def _do(self, action: str) -> None:
        if action == "drop":
            return
        if action == "NORMAL":
            self.sent.append(Sent(self.header(), up=True))
            return
        if action == "LOCAL":
            assert self.frame["in_port"] != LOCAL, "Open vSwitch does not send a frame back by itself"
            self.sent.append(Sent(self.header(), up=True))
        elif found := re.fullmatch(r"output:(\d+)", action):
            assert self.frame["in_port"] != int(found[1]), "Open vSwitch does not send a frame back by itself"
            self.sent.append(Sent(frame_of(**dict(self.header()), out_port=int(found[1])), up=True))
        elif action == "push_vlan:0x8100":
            assert not self.frame.get("vlan_tci"), "one tag is all that a frame may have"
            self.frame["vlan_tci"] = 0x1000
        elif action == "pop_vlan":
            assert self.frame.get("vlan_tci"), "a frame without a tag has none to take off"
            self.frame["vlan_tci"] = 0
        elif found := re.fullmatch(r"set_field:(\d+)->vlan_vid", action):
            self.frame["vlan_tci"] = int(found[1])
        elif found := re.fullmatch(r"group:(\d+)", action):
            in_port = self.frame["in_port"]
            buckets = tuple(
                Bucket(bucket.watch, in_port if bucket.port == -1 else bucket.port)
                for bucket in self.switch.groups[int(found[1])]
            )
            direct = [bucket.port for bucket in self.switch.groups[int(found[1])]]
            assert in_port not in direct, "Open vSwitch does not send a frame back by itself"
            self.sent.append(Sent(self.header(), up=False, buckets=buckets))
        elif found := re.fullmatch(r"set_field:(.+)->(\w+)", action):
            self.frame[NAMES.get(found[2], found[2])] = read_value(found[2], found[1])
        elif found := re.fullmatch(r"move:(\w+)\[(\d+)(?:\.\.(\d+))?\]->(\w+)\[(\d+)(?:\.\.(\d+))?\]", action):
            self._move(found)
        else:
            raise AssertionError(action)

    def _move(self, found: re.Match[str]) -> None:
        source, target = NAMES[found[1]], NAMES[found[4]]
        low, to = int(found[2]), int(found[5])
        width = int(found[3] or low) - low + 1
        assert width == int(found[6] or to) - to + 1
        mask = (1 << width) - 1
        kept = self.frame.get(target, 0) & ~(mask << to)
        self.frame[target] = kept | (self.frame.get(source, 0) >> low & mask) << to

    def header(self) -> Frame:
        """What leaves a host: registers do not."""
        return frame_of(
            **{name: value for name, value in self.frame.items() if name != "in_port" and not name.startswith("reg")}
        )


def frame_of(**fields: int) -> Frame:
    return tuple(sorted((name, value) for name, value in fields.items() if value))


def read_flow(words: str) -> tuple[int, Flow]:
    cookie, rest = words.removeprefix("cookie=").split(",", 1)
    return int(cookie, 16), _read_rest(int(cookie, 16) & 0xFF, rest)


@lru_cache(maxsize=100_000)  # the same lines come again on host after host
def _read_rest(kind: int, words: str) -> Flow:
    head, actions = words.split(",actions=")
    fields = dict(word.partition("=")[::2] for word in head.split(","))
    table, priority = int(fields.pop("table")), int(fields.pop("priority"))
    match = tuple(each for name, value in fields.items() for each in read_match(name, value))
    return Flow(kind, table, priority, match, tuple(re.split(r",(?!\d+\))", actions)))


def read_match(name: str, value: str) -> Iterator[tuple[str, int, int]]:
    if name in SHORT:
        assert not value
        yield from ((field, number, -1) for field, number in SHORT[name].items())
    elif "/" in value and name.startswith("dl_"):
        number, mask = (int(each.replace(":", ""), 16) for each in value.split("/"))
        yield NAMES[name], number & mask, mask
    elif name == "dl_vlan":
        yield "vlan_tci", 0x1000 | int(value), 0x1FFF
    elif "/" in value and name == "vlan_tci":
        number, mask = (int(each, 16) for each in value.split("/"))
        yield name, number & mask, mask
    elif "/" in value:
        network: IPv4Network | IPv6Network = ip_network(value)
        yield name, int(network.network_address), int(network.netmask)
    else:
        yield NAMES.get(name, name), read_value(name, value), -1


def read_value(name: str, value: str) -> int:
    if name in ("dl_src", "dl_dst", "eth_src", "eth_dst", "arp_sha", "nd_sll", "nd_tll"):
        return int(value.replace(":", ""), 16)
    if value == "LOCAL":
        return LOCAL
    if re.fullmatch(r"\d+", value):
        return int(value)
    return int(ip_network(value).network_address)


# A field can be named only after those that say it is there.
FIRST = ("eth_src", "eth_dst", "eth_type", "nw_proto", "icmp_type")


def trace_words(frame: Frame, port: int | None = None) -> str:
    """The frame, from here or from that port, as `ofproto/trace` takes it."""
    known = dict(frame)
    names = [name for name in FIRST if name in known] + [name for name in known if name not in FIRST]
    return ",".join([f"in_port={port or 'LOCAL'}", *(_written(name, known[name]) for name in names)])


def _written(name: str, value: int) -> str:
    match name:
        case "eth_src" | "eth_dst" | "arp_sha" | "nd_sll" | "nd_tll":
            return f"{name}={value.to_bytes(6, 'big').hex(':')}"
        case "nw_src" | "nw_dst" | "arp_spa" | "arp_tpa":
            return f"{name}={IPv4Address(value)}"
        case "ipv6_src" | "ipv6_dst" | "nd_target":
            return f"{name}={IPv6Address(value)}"
        case "icmp_type":
            return f"icmpv6_type={value}"
    return f"{name}={value}"
