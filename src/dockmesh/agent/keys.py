"""The keys of this host for the encryption between hosts: they are made here, or come here, and none leaves.

What is told of a secret is a fingerprint. Python's standard library only, Python 3.7 or later. What is wanted comes as
JSON on standard input: `make`: whether a private key is made where there is none; `take`: by peer the preshared keys
that this host gets; `drop`: the peers whose preshared keys it forgets, when the run is confirmed; `restore`: those of
which it does not, as the run is rolled back. The answer is JSON on standard output.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import json
import os
import sys
from typing import TYPE_CHECKING

from dockmesh.agent.curve25519 import BYTES, clamped, public_key
from dockmesh.agent.preshared import BEFORE, DROPPED, PRESHARED
from dockmesh.agent.wireguard_settings import read_settings

FOLDER = "/var/lib/dockmesh/keys"
SETTINGS = "/etc/dockmesh/wireguard.json"
PRIVATE = "private"
PUBLIC = "public"  # made once with the private one: to compute it takes time, in which others could watch
FOLDER_MODE, MODE = 0o700, 0o600
FINGERPRINT = 16  # characters of it

if TYPE_CHECKING:
    from typing import Any


def write(folder: str, name: str, key: bytes) -> None:
    """In the form that wg(8) reads; whoever reads it meanwhile reads the old one or the new one."""
    path = os.path.join(folder, name)
    os.makedirs(folder, mode=FOLDER_MODE, exist_ok=True)
    os.chmod(folder, FOLDER_MODE)
    new = path + ".new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, MODE), "wb") as file:
        os.fchmod(file.fileno(), MODE)
        file.write(base64.b64encode(key) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    os.rename(new, path)


def make(folder: str) -> None:
    """The private key, where there is none, and the public one with it."""
    if read(folder, PRIVATE) is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, PUBLIC))
        write(folder, PRIVATE, clamped(os.urandom(BYTES)))
    public = _public(folder) if read(folder, PUBLIC) is None else None
    if public is not None:
        write(folder, PUBLIC, public)


def _public(folder: str) -> bytes | None:
    private = read(folder, PRIVATE)
    return public_key(private) if private else None


def take(folder: str, peer: str, key: bytes) -> None:
    """The one of before stays until the peer has shown that it has a newer one (`preshared`).

    That one alone is known to be at both ends: a key that took its place here and was never shown may have reached
    nobody else.
    """
    there = read(folder, PRESHARED + peer)
    if there == key:
        return
    if there is not None and read(folder, BEFORE + peer) is None:
        write(folder, BEFORE + peer, there)
    write(folder, PRESHARED + peer, key)


def drop(folder: str, peer: str) -> None:
    """Out of use, and kept until the run is confirmed (`preshared.clear`): its rollback needs it again."""
    for kind in (PRESHARED, BEFORE):
        with contextlib.suppress(FileNotFoundError):
            os.rename(os.path.join(folder, kind + peer), os.path.join(folder, DROPPED + kind + peer))


def restore(folder: str, peer: str) -> None:
    """What `drop` took out of use."""
    for kind in (PRESHARED, BEFORE):
        with contextlib.suppress(FileNotFoundError):
            os.rename(os.path.join(folder, DROPPED + kind + peer), os.path.join(folder, kind + peer))


def read(folder: str, name: str) -> bytes | None:
    """None where there is none, or what is there is no key."""
    try:
        with open(os.path.join(folder, name), "rb") as file:
            key = base64.b64decode(file.read(100).strip(), validate=True)
    except (OSError, binascii.Error):
        return None
    return key if len(key) == BYTES else None


def fingerprint(key: bytes) -> str:
    """By which two hosts are seen to have the same: nobody finds 32 random bytes by their hash."""
    return hashlib.sha256(b"dockmesh preshared key\0" + key).hexdigest()[:FINGERPRINT]


def peers(folder: str) -> list[str]:
    """Those that there is a preshared key for."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return sorted(name[len(PRESHARED) :] for name in names if name.startswith(PRESHARED) and not name.endswith(".new"))


def known(path: str) -> dict[str, str]:
    """By peer its public key, as the settings of the device have them; empty where there are none."""
    try:
        with open(path, encoding="utf-8") as file:
            return {peer["name"]: peer["public"] for peer in read_settings(file)["peers"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def tell(folder: str, settings: str = SETTINGS) -> dict[str, Any]:
    """What may be known of the keys of this host, and what it knows of others."""
    public = read(folder, PUBLIC) or _public(folder)
    found = ((peer, read(folder, PRESHARED + peer)) for peer in peers(folder))
    return {
        "public": base64.b64encode(public).decode() if public else None,
        "preshared": {peer: fingerprint(key) for peer, key in found if key},
        "peers": known(settings),
    }


def carry_out(order: dict[str, Any], folder: str = FOLDER) -> dict[str, Any]:
    """See the module."""
    if order.get("make"):
        make(folder)
    for peer, key in order.get("take", {}).items():
        take(folder, peer, base64.b64decode(key, validate=True))
    for peer in order.get("drop", ()):
        drop(folder, peer)
    for peer in order.get("restore", ()):
        restore(folder, peer)
    return tell(folder)


def main(*_: str) -> None:
    json.dump(carry_out(json.load(sys.stdin)), sys.stdout)
