"""Where peers were heard last of which nobody knows beforehand where they are.

A WireGuard device has learned that; one that is made again has not, and would wait until such a peer notices that it
hears nothing more: after 15 s (WireGuard's protocol, Keepalive-Timeout and Rekey-Timeout).

Python's standard library only, Python 3.7 or later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

NOWHERE = "(none)"

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class LearnedEndpoints:
    def __init__(self) -> None:
        self.known: dict[str, str] = {}  # by public key

    def remember(self, said: str, peers: Iterable[dict[str, Any]]) -> None:
        """`said` is the answer of `wg show … endpoints`; who was not heard yet keeps where he was before."""
        learned = {peer["public"] for peer in peers if "endpoint" not in peer}
        rows = (line.split() for line in said.splitlines())
        found = {row[0]: row[1] for row in rows if len(row) == 2 and row[0] in learned and row[1] != NOWHERE}
        self.known = {key: place for key, place in {**self.known, **found}.items() if key in learned}

    def arguments(self) -> list[tuple[str, ...]]:
        """For `wg set DEVICE`; keys of peers are public."""
        return [("peer", key, "endpoint", place) for key, place in sorted(self.known.items())]
