"""Guards the ports of containers: each sends by the MAC address that it was given, none as its host or a neighbour.

A container's frames come to others on its host without passing the flows of the fabric, so nftables looks at them where
they come into a bridge of ours. The text of its rules is a file; which ports there are, and which MAC address is whose,
this program adds. The kernel tells of each device that joins a bridge (rtnetlink(7)), and what addresses the other end
has, in the container: Docker sets them before anything runs there, so nobody who could forge them was there yet. Of a
port that is not known, only what is nobody's there is dropped.
At rest it sleeps. The kernel also tells of each change of nftables' rules: what somebody flushed is put back.
Stopped, it leaves the rules: the one that takes its place replaces them in one transaction.
Python's standard library only, Python 3.7 or later. Arguments: the file for `nft -f`, and for each bridge NAME=PORT,
the port that leads to other hosts.
"""

from __future__ import annotations

import select
import signal
import socket
import subprocess
import sys
import time
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from dockmesh.agent.netlink import (
    LINKS,
    MASTER,
    NAMESPACE,
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    OTHER_END,
    RULES,
    Device,
    addresses,
    links,
    monitor,
)
from dockmesh.agent.telling import forget, say, say_once, tell_systemd

TABLE = ("bridge", "dockmesh")
# What the host takes and passes on; not every mesh has it.
PEERS = ("inet", "dockmesh_peers")
NO_PEERS = "add table inet dockmesh_peers; delete table inet dockmesh_peers"
# At the end of a line that can be left out, before a word for what it needs.
NEEDS = "# needs"
# How nft says that it, or the kernel, cannot do something at all.
CANNOT = ("not supported", "No such file", "syntax error")
# It is looked this often even if nothing was heard; and so long after something was, as changes come several at once.
LOOK_S, AGAIN_S, CALM_S = 60.0, 1.0, 0.01
PATIENCE_S = 10.0

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Port(NamedTuple):
    """What a container was given; `addresses` are of IPv4."""

    mac: str
    addresses: tuple[str, ...]


def given_addresses(index: int, namespace: int) -> tuple[str, ...]:
    """Those of IPv4 that a device there has; none where the kernel is too old to be asked, which is told once."""
    try:
        return addresses(index, namespace)
    except OSError as error:
        say_once(f"cannot read the addresses of containers: {error}")
        return ()


def run(*words: str, text: str = "") -> tuple[str | None, str]:
    """What nft printed, or None and why it failed."""
    try:
        done = subprocess.run(
            ("nft", *words), input=text, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    return (done.stdout, "") if done.returncode == 0 else (None, done.stderr.strip())


def load(text: str) -> bool:
    """In one transaction. What fails is told once."""
    printed, why = run("-f", "-", text=text)
    if printed is None:
        say_once(f"nft does not take the rules: {why}")
    return printed is not None


def without(text: str, needs: Iterable[str]) -> str:
    ends = tuple(f"{NEEDS} {each}" for each in needs)
    return "".join(line for line in text.splitlines(keepends=True) if not line.rstrip().endswith(ends))


def fewer(text: str) -> Iterator[tuple[str, ...]]:
    """What lines of `text` need, in all ways to do without some of it, as little as possible first."""
    words = sorted({line.rpartition(NEEDS)[2].strip() for line in text.splitlines() if NEEDS in line})
    for count in range(1, len(words) + 1):
        yield from combinations(words, count)


def listed(text: str) -> str | None:
    """Our tables that the rules of `text` have, without what these counted; None where one is not there."""
    tables = (TABLE, PEERS) if " ".join(PEERS) in text else (TABLE,)
    found = [run("--stateless", "list", "table", *table)[0] for table in tables]
    return None if None in found else "".join(each for each in found if each)


def elements(verb: str, ports: dict[str, Port], members: Iterable[str] = ()) -> str:
    """Lines of nft for ports, with the addresses of each; what they must have comes before they are known."""
    both = [(name, address) for name, port in sorted(ports.items()) for address in port.addresses]
    sets = (
        ("members", [f'"{name}"' for name in sorted(members)]),
        ("macs", [f'"{name}" . {port.mac}' for name, port in sorted(ports.items())]),
        ("addresses", [f'"{name}" . {address}' for name, address in both]),
        ("given", [address for _, address in both]),
        ("ports", [f'"{name}"' for name in sorted(ports)]),
    )
    where = " ".join(TABLE)
    lines = [f"{verb} element {where} {name} {{ {', '.join(values)} }}\n" for name, values in sets if values]
    return "".join(lines if verb == "add" else reversed(lines))


class PortGuard:
    """The rules, and the ports that they know."""

    def __init__(self, path: str, bridges: Iterable[str]) -> None:
        self.path = path
        self.bridges = dict(each.partition("=")[::2] for each in bridges)
        self.known: dict[int, tuple[str, Port]] = {}  # by number of the device its name, and what it was given
        self.there: dict[str, Port] = {}  # what nftables has of that
        self.members: frozenset[str] = frozenset()  # all ports of the bridges, but those to other hosts
        self.members_there: frozenset[str] = frozenset()
        self.text: str | None = None  # of the rules that are there; None: it must be put there
        self.lacks: tuple[str, ...] = ()  # what lines of it need and the kernel cannot do
        self.listed: str | None = None  # the table as it was when we left it

    def look(self) -> bool:
        """Put right what is not as it should be; whether all is well. If not, it must be tried again."""
        try:
            self.learn()
            with open(self.path, encoding="utf-8") as file:
                text = file.read()
        except OSError as error:
            say_once(f"cannot read the devices or the rules: {error}")
            return False
        wanted = dict(self.known.values())
        flushed = text == self.text and listed(text) != self.listed
        if flushed:
            say("somebody changed the rules: they are put back")
        if flushed or text != self.text:
            return self.install(text, wanted)
        gone = {name: port for name, port in self.there.items() if wanted.get(name) != port}
        come = {name: port for name, port in wanted.items() if self.there.get(name) != port}
        change = elements("delete", gone, self.members_there - self.members)
        change += elements("add", come, self.members - self.members_there)
        if not change:
            return True
        if not load(change):
            return self.install(text, wanted)
        return self.leave(wanted)

    def join(self) -> None:
        """The ports that came, at once, where the rules do not see by themselves whose they are.

        `look` waits until a container's start is over, and more changes of devices with it.
        """
        if self.text is None or "ibrname" not in self.lacks:
            return
        try:
            self.take(links())
        except OSError:
            return  # `look` comes next, and says so
        come = self.members - self.members_there
        if come and load(elements("add", {}, come)):
            self.members_there |= come
            self.listed = listed(self.text)

    def install(self, text: str, wanted: dict[str, Port]) -> bool:
        """All of it, in one transaction. A kernel that cannot do some of it gets the rest."""
        self.text, self.lacks = None, ()
        more = elements("add", wanted, self.members)
        printed, why = run("-f", "-", text=f"{NO_PEERS}\n{text}{more}")
        for lacks in fewer(text) if printed is None and any(each in why for each in CANNOT) else ():
            printed, _ = run("-f", "-", text=f"{NO_PEERS}\n{without(text, lacks)}{more}")
            if printed is not None:
                say(f"this kernel, or nft, cannot do {', '.join(lacks)}: the rest of the rules is there")
                self.lacks = lacks
                break
        if printed is None:
            say_once(f"nft does not take the rules: {why}")
            return False
        self.text = text
        return self.leave(wanted)

    def leave(self, there: dict[str, Port]) -> bool:
        self.there, self.members_there = there, self.members
        self.listed = listed(self.text or "")
        forget()
        return self.listed is not None

    def take(self, present: list[Device]) -> dict[int, Device]:
        """The ports of our bridges, by number, but those to other hosts."""
        ours = {link.index: self.bridges[link.name] for link in present if link.name in self.bridges}
        ports = {
            link.index: link
            for link in present
            if link.number(MASTER) in ours and link.name != ours[link.number(MASTER) or 0]
        }
        self.members = frozenset(link.name for link in ports.values())
        return ports

    def learn(self) -> None:
        """A container's addresses are read once, when its link comes up: what it does later is what is guarded."""
        ports = self.take(links())
        self.known = {
            index: each for index, each in self.known.items() if index in ports and ports[index].name == each[0]
        }
        for index, link in ports.items():
            other, namespace = link.number(OTHER_END), link.number(NAMESPACE)
            # Whose other end is on this host is no container's; somebody has put it there.
            if index in self.known or not link.carrier or not other or namespace is None:
                continue
            try:
                (end,) = links(other, namespace)
                given = given_addresses(other, namespace)
            except (OSError, ValueError):
                continue  # it has gone, and so will the port
            if end.mac:
                self.known[index] = link.name, Port(end.mac, given)


def quiet(monitors: list[socket.socket], wait_s: float) -> bool:
    """Wait so long; whether nothing was heard. What was is not read: it is looked, whatever it says."""
    ready, _, _ = select.select(monitors, [], [], wait_s)
    for each in ready:
        try:
            while each.recv(1 << 16):
                pass
        except OSError:
            pass  # all of it was read, or so much came that some was lost
    return not ready


def end(*_: object) -> None:
    sys.exit(0)


def main(rules: str, *bridges: str) -> None:
    """`rules` is a file, each of `bridges` NAME=PORT."""
    signal.signal(signal.SIGTERM, end)
    keep(PortGuard(rules, bridges))


def keep(guard: PortGuard) -> None:
    # It listens before it looks: what changes in between is heard.
    monitors = [monitor(NETLINK_ROUTE, LINKS), monitor(NETLINK_NETFILTER, RULES)]
    # To be told that the file is another.
    told, tells = socket.socketpair()
    told.setblocking(False)
    tells.setblocking(False)
    signal.signal(signal.SIGHUP, lambda *_: None)
    signal.set_wakeup_fd(tells.fileno())
    monitors.append(told)
    while True:
        well = guard.look()
        tell_systemd(f"READY=1\nWATCHDOG=1\nSTATUS={'guarded' if well else 'not guarded'}: {len(guard.known)} ports")
        if not quiet(monitors, LOOK_S if well else AGAIN_S):
            guard.join()
            until = time.monotonic() + 10 * CALM_S
            while time.monotonic() < until and not quiet(monitors, CALM_S):
                pass
