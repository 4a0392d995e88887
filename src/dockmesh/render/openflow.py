"""Flows and groups as lines for `ovs-ofctl bundle`, and the text of them all."""

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from hashlib import sha256

from dockmesh.plan.types import Forward

# An indirect group is always alive: a bucket that watches it is taken whatever BFD says. A bucket must watch something,
# and the local port is refused.
ALIVE = 1


class Counts(IntEnum):
    """What the packets of a flow are, where that is worth counting: the low 8 bits of its cookie. Those are dropped."""

    PASSED = 0  # or is dropped as a matter of course
    STRANGE_PORT = 1  # came in from a port that is no tunnel of the plan
    SPOOFED = 2  # from here, with a source address that is not this host's
    OTHER = 3  # from here, neither IP nor ARP, or with a VLAN tag
    NO_HOST = 4  # to an address that is at no host
    UNKNOWN_SOURCE = 5  # from a tunnel, from an address that is at no host
    OWN = 6  # from here to here: docker0 floods what it does not know; no loss
    NO_WAY = 7  # no tunnel is left to try
    # Not 8: what is asked of a host are the cookies with one of the lowest three bits.
    LOOPED = 9  # from an attached interface, with an address of a host: it went out there, or somebody pretends
    OUTSIDE = 10  # from an attached interface, and none of what is out there


# No mistake of anybody's: every mesh has these.
HARMLESS = (Counts.PASSED, Counts.OWN)


Flow = tuple[Counts, str]  # the rest of the line, after the cookie


def flow(table: int, priority: int, match: str, actions: str, kind: Counts = Counts.PASSED) -> Flow:
    return kind, words_of(f"table={table}", f"priority={priority}", match, f"actions={actions}")


def words_of(*words: str) -> str:
    """A match out of parts, of which some may be empty."""
    return ",".join(filter(None, words))


def drop(table: int, priority: int, match: str, kind: Counts) -> Flow:
    return flow(table, priority, match, "drop", kind)


def text_of(groups: Iterable[str], flows: Iterable[Flow]) -> str:
    """A bundle that leaves these flows and no others; what is in the groups' lines is made so."""
    lines = [*groups, *(f"flow add cookie={{{kind}}},{words}" for kind, words in flows)]
    body = "".join(f"{line}\n" for line in lines)
    digest = sha256(body.encode()).digest()
    # Never 0, which is the cookie of what has none.
    base = (int.from_bytes(digest[:4], "big") | 1) << 8
    stale = [f"flow delete cookie={~base & 1 << bit:#x}/{1 << bit:#x}\n" for bit in range(8, 40)]
    return body.format(*(f"{base | kind:#x}" for kind in range(max(Counts) + 1))) + "".join(stale)


def counts_of(cookie: int) -> Counts | None:
    """What the packets of a flow are; None for a cookie that is none of ours."""
    return next((kind for kind in Counts if kind == cookie & 0xFF), None)


class Groups:
    """Each list of choices once, under an id that is made of it."""

    def __init__(self, number: Mapping[str, int]) -> None:
        self._number = number
        self._ids: dict[str, int] = {}
        self._used: dict[tuple[tuple[str, ...], str | None, bool], str] = {}

    def use(self, forward: Forward) -> str:
        """The action."""
        key = forward.choices, forward.resort, goes_back(forward)
        if key not in self._used:
            resort = None if forward.resort is None else self._number[forward.resort]
            self._used[key] = self.action(
                [self._number[choice] for choice in forward.choices], "in_port" if goes_back(forward) else resort
            )
        return self._used[key]

    def action(self, ports: Iterable[int], resort: int | str | None) -> str:
        """To the first of `ports` that is alive, or else to `resort` whatever BFD says: a port, "in_port", or None."""
        buckets = [f"watch_port={port},actions=output:{port}" for port in ports]
        if resort is not None:
            onto = resort if resort == "in_port" else f"output:{resort}"
            buckets.append(f"watch_group={ALIVE},actions={onto}")
        words = ",".join(f"bucket={bucket}" for bucket in buckets)
        if words not in self._ids:
            self._ids[words] = self._free(words)
        return f"group:{self._ids[words]}"

    def _free(self, words: str) -> int:
        """OpenFlow has ids up to 0xffffff00."""
        digest = sha256(words.encode()).digest()
        found = int.from_bytes(digest[:4], "big") >> 1
        taken = {ALIVE, *self._ids.values()}
        while found in taken:
            found += 1
        return found

    def lines(self) -> Iterator[str]:
        yield f"group add_or_mod group_id={ALIVE},type=indirect,bucket=actions=drop"
        for words, number in sorted(self._ids.items(), key=lambda item: item[1]):
            yield f"group add_or_mod group_id={number},type=ff,{words}"


def goes_back(forward: Forward) -> bool:
    return forward.resort == forward.came_from
