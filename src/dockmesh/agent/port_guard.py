"""Guards the ports of containers: each sends by the MAC address that it was given, none as its host or a neighbour.

A container's frames come to others on its host without passing the flows of the fabric, so nftables looks at them where
they come into a bridge of ours. The text of its rules is a file; which ports there are, and which MAC address is whose,
this program adds. The kernel tells of each device that joins a bridge (rtnetlink(7)), and what addresses the other end
has, in the container: Docker sets them before anything runs there, so nobody who could forge them was there yet. A port
that is not known passes all.
At rest it sleeps. The kernel also tells of each change of nftables' rules: what somebody flushed is put back.
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
from typing import TYPE_CHECKING, NamedTuple

from dockmesh.agent.netlink import (
    LINKS,
    MASTER,
    NAMESPACE,
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    OTHER_END,
    RULES,
    addresses,
    links,
    monitor,
)
from dockmesh.agent.telling import forget, say, say_once, tell_systemd

TABLE = ("bridge", "dockmesh")
# Who may send the host tunnels' packets; not every mesh has it.
PEERS = ("inet", "dockmesh_peers")
NO_PEERS = "add table inet dockmesh_peers; delete table inet dockmesh_peers"
GONE = f"add table bridge dockmesh; delete table bridge dockmesh; {NO_PEERS}"
# It is looked this often even if nothing was heard; and so long after something was, as changes come several at once.
LOOK_S, AGAIN_S, CALM_S = 60.0, 1.0, 0.01
PATIENCE_S = 10.0

if TYPE_CHECKING:
    from collections.abc import Iterable


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
        with begun(["nft", *words]) as nft:
            try:
                printed, said = nft.communicate(text, timeout=PATIENCE_S)
            except BaseException:
                nft.kill()
                raise
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    return (printed, "") if nft.returncode == 0 else (None, said.strip())


def begun(argv: list[str]) -> subprocess.Popen[str]:
    """Whoever is stopped meanwhile ends when it is there: before, it could be there and nobody would know it."""
    stopped: list[bool] = []
    before = signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    finally:
        signal.signal(signal.SIGTERM, before)
    if stopped:
        process.kill()
        process.communicate()
        end()
    return process


def load(text: str) -> bool:
    """In one transaction. What fails is told once."""
    printed, why = run("-f", "-", text=text)
    if printed is None:
        say_once(f"nft does not take the rules: {why}")
    return printed is not None


def listed(text: str) -> str | None:
    """Our tables that the rules of `text` have, without what these counted; None where one is not there."""
    tables = (TABLE, PEERS) if " ".join(PEERS) in text else (TABLE,)
    found = [run("--stateless", "list", "table", *table)[0] for table in tables]
    return None if None in found else "".join(each for each in found if each)


def elements(verb: str, ports: dict[str, Port]) -> str:
    """Lines of nft for ports, with the addresses of each; what they must have comes before they are known."""
    both = [(name, address) for name, port in sorted(ports.items()) for address in port.addresses]
    sets = (
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
        self.text: str | None = None  # of the rules that are there; None: it must be put there
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
        if not gone and not come:
            return True
        if not load(elements("delete", gone) + elements("add", come)):
            return self.install(text, wanted)
        return self.leave(wanted)

    def install(self, text: str, wanted: dict[str, Port]) -> bool:
        """All of it, in one transaction."""
        self.text = None
        if not load(f"{NO_PEERS}\n{text}{elements('add', wanted)}"):
            return False
        self.text = text
        return self.leave(wanted)

    def leave(self, there: dict[str, Port]) -> bool:
        self.there = there
        self.listed = listed(self.text or "")
        forget()
        return self.listed is not None

    def learn(self) -> None:
        """A container's addresses are read once, when its link comes up: what it does later is what is guarded."""
        present = links()
        ours = {link.index: self.bridges[link.name] for link in present if link.name in self.bridges}
        ports = {
            link.index: link
            for link in present
            if link.number(MASTER) in ours and link.name != ours[link.number(MASTER) or 0]
        }
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
    """`rules` is a file, each of `bridges` NAME=PORT. Who is stopped leaves nothing; whoever dies leaves the guard."""
    signal.signal(signal.SIGTERM, end)
    try:
        keep(PortGuard(rules, bridges))
    except SystemExit:
        # Only now: an nft that was at work has ended with what interrupted it, and puts nothing there again.
        run(GONE)
        raise


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
            until = time.monotonic() + 10 * CALM_S
            while time.monotonic() < until and not quiet(monitors, CALM_S):
                pass
