"""The keys of a host for the encryption between hosts, as far as they may be known."""

import re

from dockmesh.agent.texts import keys_text
from dockmesh.facts.fact import Fact
from dockmesh.facts.types import HostKeys
from dockmesh.transport.requests import Answer, Exec
from dockmesh.transport.script import read_said, script

TIMEOUT_S = 20
PUBLIC = re.compile(r"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")  # 32 bytes in base64
FINGERPRINT = re.compile(r"[0-9a-f]{16}")


def order(
    *, make: bool = False, take: dict[str, str] | None = None, drop: tuple[str, ...] = (), restore: tuple[str, ...] = ()
) -> Exec:
    """The request: what agent/keys.py is to do. It has secrets on its standard input, if any."""
    return script(keys_text(), {"make": make, "take": take or {}, "drop": drop, "restore": restore}, TIMEOUT_S)


def read(answer: Answer) -> HostKeys:
    """Raises ValueError for what is no key: it would stand in the files of others."""
    said = read_said(answer)
    if "error" in said:
        raise ValueError(f"its keys cannot be read: {said['error']}")
    public, preshared, peers = said["public"], dict(said["preshared"]), dict(said["peers"])
    if not all(PUBLIC.fullmatch(each) for each in (*([] if public is None else [public]), *peers.values())):
        raise ValueError("a public key is none")
    if not all(FINGERPRINT.fullmatch(each) for each in preshared.values()):
        raise ValueError("a fingerprint of its keys is none")
    return HostKeys(public, preshared, peers)


FACT = Fact((order(),), lambda keys: {"keys": read(keys)})
