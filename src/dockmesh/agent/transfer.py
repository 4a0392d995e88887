"""A transfer over TCP: sent evenly, and answered with the checksum of what came.

Python's standard library only, Python 3.9 or later: this text is sent to hosts that have nothing of ours.
"""

from __future__ import annotations

import hashlib
import socket
import time
from typing import Any

SO_MAX_PACING_RATE = 47  # tcp(7); bytes a second
BULK_DEADLINE_S = 5.0
# A transfer takes so long, and no less: one as fast as it can be fills queues on its way, and then others lose packets.
BULK_S = 0.7


def upload(address: str, port: int, token: str, payload: bytes, digest: bytes) -> dict[str, Any]:
    """Send full segments over TCP, evenly; the other side answers with the SHA-256 of what it got."""
    began = time.monotonic()
    try:
        with socket.create_connection((address, port), timeout=BULK_DEADLINE_S / 2) as stream:
            stream.settimeout(BULK_DEADLINE_S)
            stream.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, max(1, int(len(payload) / BULK_S)))
            stream.sendall(token.encode() + payload)
            stream.shutdown(socket.SHUT_WR)
            answer = b""
            while len(answer) <= len(digest) and (part := stream.recv(64)):  # whoever listens there may never end
                answer += part
    except OSError as failure:
        return {"mbit": None, "error": str(failure) or type(failure).__name__}
    if answer != digest:
        return {"mbit": None, "error": "what arrived is not what was sent: its checksum differs"}
    return {"mbit": len(payload) * 8 / 1e6 / (time.monotonic() - began), "error": None}


def take_upload(stream: socket.socket, token: bytes) -> None:
    """Answer with the checksum of what comes, if it begins with the token."""
    with stream:
        stream.settimeout(BULK_DEADLINE_S)
        try:
            start = b""
            while len(start) < len(token):
                part = stream.recv(len(token) - len(start))
                if not part:
                    return
                start += part
            if start != token:
                return
            digest = hashlib.sha256()
            while part := stream.recv(65536):
                digest.update(part)
            stream.sendall(digest.digest())
        except OSError:
            return  # the other side sees it, and tells
