"""A host's keys in memory, and its WireGuard device: what agent/keys.py and agent/wireguard.py do there."""

import base64
import hashlib
import json
from typing import Any

from dockmesh.agent.keys import fingerprint
from dockmesh.agent.texts import keys_text
from dockmesh.agent.wireguard_settings import read_settings
from dockmesh.transport.requests import Answer
from dockmesh.transport.script import PYTHON

FIRST_LINE = json.dumps(keys_text())


def public_key(host: str) -> str:
    return base64.b64encode(hashlib.sha256(host.encode()).digest()).decode()


def order_of(argv: tuple[str, ...], stdin: str) -> dict[str, Any] | None:
    """What the request wants of the keys; None where it is about something else."""
    source, _, order = stdin.partition("\n")
    if argv != PYTHON or source != FIRST_LINE:
        return None
    found: dict[str, Any] = json.loads(order)
    return found


class FakeKeys:
    def __init__(self, host: str) -> None:
        self.host = host
        self.private = False
        self.preshared: dict[str, str] = {}  # by peer

    def answer(self, order: dict[str, Any], settings: str | None) -> Answer:
        self.private = self.private or order["make"]
        self.preshared |= order["take"]
        for peer in order["drop"]:
            self.preshared.pop(peer, None)
        public = public_key(self.host) if self.private else None
        told = {peer: fingerprint(base64.b64decode(key)) for peer, key in self.preshared.items()}
        known = read_settings(settings.splitlines())["peers"] if settings else []
        peers = {peer["name"]: peer["public"] for peer in known}
        return Answer(0, json.dumps({"public": public, "preshared": told, "peers": peers}))

    def forget(self) -> None:
        self.private, self.preshared = False, {}
