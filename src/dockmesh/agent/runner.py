"""Runs on a host, as root, for as long as one SSH channel is open: it does what a line asks and answers with a line.

Python's standard library only, Python 3.7 or later: this text is sent to hosts that have nothing of ours.
It never interprets a shell string. When its standard input ends, so does it; what runs then is run to its end.
"""

from __future__ import annotations

import concurrent.futures
import fcntl
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

GREETING = "dockmesh-runner 1"
LOCK = "/run/dockmesh.lock"

NOT_FOUND = 127  # as a shell answers for a missing program
TIMED_OUT = 124  # as timeout(1) does
NO_FILE = 2  # ENOENT
NOT_ACTIVE = 3  # as systemctl answers
LOCKED = 75  # EX_TEMPFAIL of sysexits.h

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_held: list[Any] = []


def answer(code: int, out: str = "", err: str = "") -> dict[str, Any]:
    return {"code": code, "out": out, "err": err}


def run(argv: list[str], stdin: str, timeout_s: float) -> dict[str, Any]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l"}
    environment["PATH"] = PATH
    try:
        done = subprocess.run(
            argv, input=stdin.encode(), capture_output=True, timeout=timeout_s, env=environment, check=False
        )
    except FileNotFoundError:
        return answer(NOT_FOUND, err=f"{argv[0]}: command not found")
    except subprocess.TimeoutExpired:
        return answer(TIMED_OUT, err=f"no end after {timeout_s:g} s")
    return answer(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def put(path: str, text: str, mode: int) -> dict[str, Any]:
    """Whole or not at all: a temporary name beside it, on disk, then renamed. Owned by root."""
    path = os.path.realpath(path)  # a link stays one, and what it leads to is written
    os.makedirs(os.path.dirname(path), exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".dockmesh-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except (OSError, ValueError):
        os.unlink(temporary)
        raise
    return answer(0)


def get(path: str) -> dict[str, Any]:
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    return answer(0, text, oct(os.stat(path).st_mode & 0o7777))


def remove(path: str) -> dict[str, Any]:
    os.unlink(path)
    return answer(0)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(path: str, url: str, unit: str, timeout_s: float) -> dict[str, Any]:
    """GET over a unix socket, where the Docker API listens: its command line client costs ten times as much."""
    if subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode != 0:
        return answer(NOT_ACTIVE, err=f"{unit} is not active")
    connection = UnixConnection(path, timeout_s)
    try:
        connection.request("GET", url)
        response = connection.getresponse()
        text = response.read().decode(errors="replace")
    finally:
        connection.close()
    return answer(0, text) if response.status == 200 else answer(response.status, "", text)


def find(programs: list[str]) -> dict[str, Any]:
    found = (shutil.which(program, path=PATH) for program in programs)
    return answer(0, "".join(f"{path}\n" for path in found if path))


def lock(owner: str) -> dict[str, Any]:
    """One writer a host. The lock goes with this process, so a dead one never holds it."""
    file = open(LOCK, "a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        return answer(LOCKED, err=file.read())
    file.truncate(0)
    file.write(owner)
    file.flush()
    _held.append(file)
    return answer(0)


WORK: dict[str, Callable[..., dict[str, Any]]] = {
    "run": run,
    "put": put,
    "get": get,
    "remove": remove,
    "ask": ask,
    "find": find,
    "lock": lock,
}


def do(request: dict[str, Any]) -> dict[str, Any]:
    kind = request.pop("kind")
    try:
        return WORK[kind](**request)
    except FileNotFoundError as error:
        return answer(NO_FILE, err=str(error))
    except (
        OSError,
        ValueError,
        http.client.HTTPException,
    ) as error:  # ValueError: text or a name that cannot be encoded
        return answer(1, err=str(error))


def serve() -> None:
    sys.stdout.write(" ".join([GREETING, *sys.argv[1:]]) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        order = json.loads(line)
        if order["together"]:
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                answers = list(pool.map(do, order["requests"]))
        else:
            answers = [do(request) for request in order["requests"]]
        sys.stdout.write(json.dumps(answers) + "\n")
        sys.stdout.flush()


if __name__ in ("__main__", "dockmesh_runner"):
    serve()
