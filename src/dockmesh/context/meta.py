"""A context of Docker's command line: where a daemon is, under a name, in a file of its own.

docker/cli, cli/context/store: a folder below contexts/meta, named by the SHA-256 of the context's name.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

NAME = r"[a-zA-Z0-9][a-zA-Z0-9_.+-]+"  # as docker/cli's store takes it
RESERVED = "default"
MARK = "dockmesh"  # Docker keeps what it does not know in a context's metadata


@dataclass(frozen=True, slots=True, repr=False)
class Tls:
    """What a client shows a daemon behind TLS, and knows it by: texts in PEM, one of them a private key."""

    ca: str
    certificate: str
    key: str

    def files(self) -> dict[str, str]:
        """By Docker's names."""
        return {"ca.pem": self.ca, "cert.pem": self.certificate, "key.pem": self.key}


@dataclass(frozen=True, slots=True)
class Context:
    """One of ours: the daemon of `host`, in the mesh of the file `file`."""

    name: str
    mesh: str
    host: str
    file: str
    url: str
    tls: Tls | None = None  # for tcp://


def is_name(name: str) -> bool:
    return name != RESERVED and re.fullmatch(NAME, name) is not None


def folder_name(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def text_of(context: Context) -> str:
    content = {
        "Name": context.name,
        "Metadata": {
            "Description": f"{context.host} of the mesh {context.mesh}",
            MARK: {"mesh": context.mesh, "host": context.host, "file": context.file},
        },
        "Endpoints": {"docker": {"Host": context.url, "SkipTLSVerify": False}},
    }
    return json.dumps(content, indent=2) + "\n"


def read(text: str) -> Context | None:
    """What `text_of` wrote; None for a context of somebody else's, or what is none."""
    try:
        content: Any = json.loads(text)
        mark = content["Metadata"][MARK]
        return Context(
            content["Name"], mark["mesh"], mark["host"], mark["file"], content["Endpoints"]["docker"]["Host"]
        )
    except (ValueError, KeyError, TypeError):
        return None
