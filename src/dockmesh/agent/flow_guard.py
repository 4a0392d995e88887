"""Guards the flows and groups of a bridge: puts back what a file says, when the switch lost it or somebody changed it.

At rest it sleeps. The switch tells of each flow that changes (Nicira's flow monitor), of each group (requests that are
forwarded, OpenFlow 1.4), and its socket closes when it dies. No frame needs this program: it may die at any time.
Who writes a new file also puts it there; until then the old one is guarded.
Python's standard library only, Python 3.7 or later. Arguments: the bridge, and the file for `ovs-ofctl bundle`.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import subprocess
import time

from dockmesh.agent.telling import forget, say, say_once, tell_systemd

OFCTL = ("ovs-ofctl", "--no-names", "-O", "OpenFlow15")
SOCKET = "/run/openvswitch/{}.mgmt"
# While the switch is down it is asked this often whether it is back; and this long after the last change it is looked
# at whether all is as it should be, even if nothing was heard.
RETRY_S, LOOK_S = 0.02, 60.0
PATIENCE_S = 10.0
# Between two looks, if somebody changes all the time; doubled each time that an installation changes nothing.
CALM_S = 0.2
AGAIN_S = 1.0  # until what did not succeed is tried again

# openflow-1.0 and openflow-1.4 in Open vSwitch's header files; openflow/nicira-ext.h.
HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, SET_CONFIG, STATS_REQUEST, STATS_REPLY = 0, 1, 2, 3, 9, 16, 17
SET_ASYNC, REQUESTFORWARD = 28, 32
OF10, OF14 = 1, 5
OURS = 0x646D  # the transaction of our own requests


class LostError(Exception):
    """The switch went away."""


def message(version: int, kind: int, body: bytes = b"", transaction: int = OURS) -> bytes:
    return struct.pack("!BBHI", version, kind, 8 + len(body), transaction) + body


def watch_flows() -> bytes:
    """Be told of every flow that is added, deleted or modified, whoever did it; not of those that are there."""
    vendor = struct.pack("!HHII4x", 0xFFFF, 0, 0x2320, 2)
    added, deleted, modified = 2, 4, 8
    return message(
        OF10, STATS_REQUEST, vendor + struct.pack("!IHHHB5x", 1, added | deleted | modified, 0xFFFF, 0, 0xFF)
    )


def watch_groups() -> bytes:
    """Be told of every change of a group, and of nothing else."""
    # Without a length for packets, a connection of this kind is told nothing at all.
    packets, ports, removed, forwarded = 1, 3, 5, 11
    masks = ((packets, 0), (ports, 0), (removed, 0), (forwarded, 1))
    return message(OF14, SET_CONFIG, struct.pack("!HH", 0, 128)) + message(
        OF14, SET_ASYNC, b"".join(struct.pack("!HHI", kind, 8, mask) for kind, mask in masks)
    )


class Monitor:
    """One OpenFlow connection that only listens."""

    def __init__(self, bridge: str, version: int, request: bytes) -> None:
        self.version = version
        self.rest = b""
        self.socket = socket.socket(socket.AF_UNIX)
        try:
            self.socket.settimeout(PATIENCE_S)
            self.socket.connect(SOCKET.format(bridge))
            self.socket.sendall(message(version, HELLO) + request)
        except OSError:
            self.socket.close()
            raise

    def hear(self) -> bool:
        """Whether anything that was read is the word of a change. Raises LostError when the switch is gone."""
        try:
            read = self.socket.recv(1 << 16)
        except OSError as error:
            raise LostError from error
        if not read:
            raise LostError
        self.rest += read
        changed = False
        while len(self.rest) >= 8:
            _, kind, length, transaction = struct.unpack("!BBHI", self.rest[:8])
            if len(self.rest) < length:
                break
            body, self.rest = self.rest[8:length], self.rest[length:]
            changed = self.understand(kind, transaction, body) or changed
        return changed

    def understand(self, kind: int, transaction: int, body: bytes) -> bool:
        if kind == ECHO_REQUEST:
            with contextlib.suppress(OSError):
                self.socket.sendall(message(self.version, ECHO_REPLY, body, transaction))
        if kind == ERROR:
            say(f"the switch answers error {body[:4].hex()}: it is looked at every {LOOK_S:g} s only")
        return kind == REQUESTFORWARD or (kind == STATS_REPLY and transaction != OURS)


def ofctl(*words: str, text: str = "") -> subprocess.CompletedProcess[str] | None:
    """None where it could not be run or did not end."""
    try:
        return subprocess.run(
            [*OFCTL, *words], input=text, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None


def flows_of(bundle: str) -> str:
    """The flows that a bundle adds, as `ovs-ofctl diff-flows` reads them."""
    start = "flow add "
    return "".join(line[len(start) :] + "\n" for line in bundle.splitlines() if line.startswith(start))


def read_groups(text: str) -> dict[int, str]:
    """By number what a group is, from the lines of a bundle or of a switch: one form for both."""
    groups = {}
    for line in text.splitlines():
        before, found, rest = line.partition("group_id=")
        if found and "flow" not in before:
            number, _, words = rest.strip().partition(",")
            groups[int(number)] = one_form(words)
    return groups


def one_form(words: str) -> str:
    """The switch numbers the buckets, and writes a colon where a bundle has an equals sign."""
    kind, *buckets = words.strip().lower().split("bucket=")
    return "; ".join([kind.strip(","), *map(bucket, buckets)])


def bucket(words: str) -> str:
    watch, _, actions = words.rstrip(",").partition("actions=")
    words = watch.strip(",").replace(":", "=")
    watched = sorted(word for word in words.split(",") if word and not word.startswith("bucket_id="))
    return f"{','.join(watched)} {actions}".strip()


def read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


class FlowGuard:
    """A bridge, and the file that says what it should have."""

    def __init__(self, bridge: str, path: str) -> None:
        self.bridge = bridge
        self.path = path
        self.installed: str | None = None  # the text that was put there last; None: it must be put there
        self.newer = ("", 0.0)  # the text of a file that is another, and since when
        self.pause_s = CALM_S  # between a look and the next

    def install(self) -> bool:
        self.installed = None
        try:
            text = read(self.path)
        except OSError as error:
            say_once(f"no flows to put back: {error}")
            return False
        done = ofctl("bundle", self.bridge, self.path)
        if done is None or done.returncode != 0:
            say_once(f"could not put back the flows: {done.stderr.strip() if done else 'ovs-ofctl did not end'}")
            return False
        self.installed = text
        forget()
        tell_systemd("READY=1")
        return True

    def wrong(self) -> str:
        """What is not as it should be, in words; "" if all is well, nobody can say, or somebody is at it just now."""
        if self.installed is None:
            return "not put there yet"
        try:
            text = read(self.path)
            found = self.beside(text, self.installed)
            return found if found and read(self.path) == text else ""
        except OSError:
            return ""

    def beside(self, text: str, installed: str) -> str:
        """First the old text: from it the switch goes to the new one, and not back."""
        old = self.difference(installed)
        if text == installed or old is None:
            return old or ""
        if self.newer[0] != text:
            self.newer = (text, time.monotonic())
        if not old and time.monotonic() < self.newer[1] + LOOK_S:
            return ""
        new = self.difference(text)
        if new == "":
            self.installed = text
        return "the file is another" if new else ""

    def difference(self, text: str) -> str | None:
        """Between a bundle and what the switch has, in words; None where it does not say."""
        flows = ofctl("diff-flows", self.bridge, "/dev/stdin", text=flows_of(text))
        if flows is None or flows.returncode not in (0, 2):
            return None
        if flows.returncode == 2:  # there are differences
            missing, extra = (f"\n{flows.stdout}".count(f"\n{sign}") for sign in "+-")
            return f"{missing} flows missing, {extra} too many"
        groups = ofctl("dump-groups", self.bridge)
        if groups is None or groups.returncode != 0:
            return None
        there = read_groups(groups.stdout)
        changed = sum(there.get(number) != group for number, group in read_groups(text).items())
        return f"{changed} groups missing or changed" if changed else ""

    def look(self) -> float:
        """Put right what is wrong; after how many seconds to look again, even if nothing is heard."""
        wrong = self.wrong()
        still = ""
        if wrong:
            if not self.install():
                return AGAIN_S
            still = self.wrong()
            say(f"{wrong}: put back{f', then {still}' if still else ''}")
        # Other words than before: somebody changes more while we put back, and must not be the last.
        self.pause_s = min(2 * self.pause_s, LOOK_S) if still and still == wrong else CALM_S
        return self.pause_s if still else LOOK_S

    def stay(self, monitors: list[Monitor]) -> None:
        """Until the switch goes away: that raises LostError."""
        looked = 0.0
        due = time.monotonic() + (AGAIN_S if self.installed is None else LOOK_S)
        while True:
            # A point in time: the switch asks every few seconds whether we live, and each wait would begin again.
            ready, _, _ = select.select([each.socket for each in monitors], [], [], max(0.0, due - time.monotonic()))
            changed = [each.hear() for each in monitors if each.socket in ready]
            if any(changed):
                due = min(due, looked + self.pause_s)
            if time.monotonic() >= due:
                wait_s = self.look()
                looked = time.monotonic()
                due = looked + wait_s
            tell_systemd("WATCHDOG=1")


def listen(bridge: str) -> list[Monitor]:
    """Raises OSError while the switch is not there."""
    monitors = [Monitor(bridge, OF10, watch_flows())]
    try:
        return [*monitors, Monitor(bridge, OF14, watch_groups())]
    except OSError:
        monitors[0].socket.close()
        raise


def main(bridge: str, path: str) -> None:
    """Guard the bridge of that name by the bundle in the file `path`. Never ends."""
    guard = FlowGuard(bridge, path)
    while True:
        began = time.monotonic()
        try:
            monitors = listen(guard.bridge)
        except OSError:
            time.sleep(RETRY_S)
            tell_systemd("WATCHDOG=1")
            continue
        try:
            # It listens before it installs: what is changed in between is heard.
            guard.install()
            guard.stay(monitors)
        except LostError:
            say("the switch is gone")
            # One that lets nobody listen is asked less often.
            time.sleep(RETRY_S if time.monotonic() > began + AGAIN_S else AGAIN_S)
        finally:
            for monitor in monitors:
                monitor.socket.close()
