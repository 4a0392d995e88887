"""Services of the host: systemd's units, Docker by its API, and Open vSwitch by its database."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading

from dockmesh.agent.processes import answer, run

NOT_ACTIVE = 3  # as systemctl answers
SYSTEMD_S = 15  # a systemd that hangs is no unit's answer
PIECE_BYTES = 256 * 1024
ACTIVE = ("active", "reloading", "refreshing")  # as `systemctl is-active` takes it

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Whether a unit is active, asked once for all questions of an order.
active: dict[str, bool] = {}
_asking = threading.Lock()


def units(names: list[str], properties: list[str]) -> dict[str, Any]:
    """What systemd says of them; whether they are active need not be asked again in this order."""
    with _asking:
        said = run(
            ["systemctl", "show", "--property=" + ",".join(["Id", "ActiveState", *properties]), *names],
            timeout_s=SYSTEMD_S,
        )
        for block in said["out"].split("\n\n"):
            found = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            if "Id" in found:
                active[found["Id"]] = found.get("ActiveState") in ACTIVE
    return said


def is_active(unit: str) -> bool:
    with _asking:
        if unit not in active:
            active[unit] = run(["systemctl", "is-active", "--quiet", unit], timeout_s=SYSTEMD_S)["code"] == 0
        return active[unit]


def ask(path: str, url: str, unit: str, timeout_s: float) -> dict[str, Any]:
    """GET over a unix socket, where the Docker API listens: its command line client costs ten times as much."""
    if not is_active(unit):
        return answer(NOT_ACTIVE, err=f"{unit} is not active")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        connection.connect(path)
        # By HTTP/1.0 the body comes in one piece, and ends with the connection.
        connection.sendall(f"GET {url} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
        with connection.makefile("rb") as file:
            status, text = read_response(file.read())
    return answer(0, text) if status == 200 else answer(status, "", text)


def read_response(response: bytes) -> tuple[int, str]:
    """Status and body. Raises ValueError for what is no answer, and for JSON that broke off."""
    head, _, body = response.partition(b"\r\n\r\n")
    status, *fields = head.decode("latin-1").split("\r\n")
    if not status.startswith("HTTP/1."):
        raise ValueError("no answer in HTTP")
    text = body.decode(errors="replace")
    if any(field.lower().replace(" ", "").startswith("content-type:application/json") for field in fields):
        json.loads(text)
    return int(status.split()[1]), text


def transact(paths: list[str], operations: list[Any], timeout_s: float) -> dict[str, Any]:
    """JSON-RPC of RFC 7047 over a unix socket: ovs-vsctl first learns the whole schema at each start."""
    path = next(filter(os.path.exists, paths), paths[0])
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        connection.connect(path)
        connection.sendall(json.dumps({"method": "transact", "params": operations, "id": 0}).encode())
        reply = read_reply(connection)
    wrong = reply["error"] or [each for each in reply["result"] if each is None or "error" in each]
    return answer(1, err=json.dumps(wrong)) if wrong else answer(0, json.dumps(reply["result"]))


def read_reply(connection: socket.socket) -> dict[str, Any]:
    """The one answer to come; nothing marks its end but that it is complete."""
    said = b""
    for piece in iter(lambda: connection.recv(PIECE_BYTES), b""):
        said += piece
        if said.endswith(b"}"):
            with contextlib.suppress(ValueError):
                reply: dict[str, Any] = json.loads(said)
                return reply
    raise ValueError("the answer broke off")
