"""Which preshared key is used towards each peer: the one that this host got last, or the one of before.

Where a change of keys reached one end of a pair only, the session goes on for 180 s after its last handshake
(WireGuard's protocol, Reject-After-Time) and is renewed after 120 s with traffic. So a handshake that is older than
135 s says that the other end has another key; then the key of before is tried, and both in turn until one is answered.
Where both ends look for it, one turns more often than the other: with turns of one length they could miss each other
for ever.

Python's standard library only, Python 3.7 or later.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from dockmesh.agent.telling import say_once

PRESHARED, BEFORE = "preshared-", "before-"
DROPPED = "dropped-"  # before either: of a peer that a run took away, as long as that run may be rolled back
HALF_WRITTEN, HALF_WRITTEN_S = ".new", 60.0
STALE_S = 135.0
# How long each of the two is tried: three times WireGuard's own time between two tries (5 s, its Rekey-Timeout), and at
# the other end long enough for both turns.
TURN_S, LONG_TURN_S = 15.0, 40.0
SETTLE_S = 2.0  # handshakes are dated in whole seconds, and one may be under way when the device is told another key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def clear(folder: str, now: float) -> None:
    """Delete what is of no use while no run can be rolled back.

    That is keys that were dropped, what a power cut left of one half written, and those of before without a newer one.
    """
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        path = os.path.join(folder, name)
        with contextlib.suppress(OSError):
            lonely = name.startswith(BEFORE) and PRESHARED + name[len(BEFORE) :] not in names
            half = name.endswith(HALF_WRITTEN) and now - os.stat(path).st_mtime > HALF_WRITTEN_S
            if name.startswith(DROPPED) or half or (lonely and not name.endswith(HALF_WRITTEN)):
                os.unlink(path)


def read_handshakes(said: str) -> dict[str, float]:
    """By public key when the last one was, of `wg show … latest-handshakes`; 0: never."""
    rows = (line.split() for line in said.splitlines())
    return {row[0]: float(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}


class Preshared:
    """What is known of the peers that this host has a key of before of."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.old: set[str] = set()  # the peers towards which the key of before is used
        self.written: dict[str, float] = {}  # by peer, when its key was
        self.turned: dict[str, float] = {}  # by peer, since when the device uses the key that it uses now

    def path(self, peer: str, kind: str = PRESHARED) -> str:
        return os.path.join(self.folder, kind + peer)

    def pending(self, peers: Iterable[str]) -> list[str]:
        """Those of which it is not known that they have the new key."""
        return [peer for peer in peers if os.path.exists(self.path(peer, BEFORE))]

    def choose(self, own: str, peers: Mapping[str, str], handshakes: Mapping[str, float], now: float) -> None:
        """`own`: this host's public key; `peers`: theirs by name. A peer that has shown a new key needs no old one."""
        for peer in self.pending(peers):
            with contextlib.suppress(FileNotFoundError):
                written = os.stat(self.path(peer)).st_mtime
                turn_s = TURN_S if own < peers[peer] else LONG_TURN_S
                self._look(peer, written, handshakes.get(peers[peer], 0.0), now, turn_s)
        self.old &= set(self.pending(peers))

    def told(self, now: float) -> None:
        """The device has the keys that were chosen: from now on a handshake is by these."""
        for peer in self.written:
            self.turned.setdefault(peer, now)

    def _look(self, peer: str, written: float, handshake: float, now: float, turn_s: float) -> None:
        if self.written.get(peer) != written:
            self.written[peer] = written
            self.turned.pop(peer, None)
            self.old.discard(peer)
        if peer not in self.turned:
            return
        if peer not in self.old and handshake > self.turned[peer] + SETTLE_S:
            self._forget(peer)
        elif now - handshake > STALE_S and now - self.turned[peer] >= turn_s:
            del self.turned[peer]
            self.old ^= {peer}

    def _forget(self, peer: str) -> None:
        try:
            os.unlink(self.path(peer, BEFORE))
        except OSError as error:
            say_once(f"cannot forget an old key: {error}")

    def name(self, peer: str) -> str:
        """Of the file of the key that is used towards it."""
        return (BEFORE if peer in self.old else PRESHARED) + peer
