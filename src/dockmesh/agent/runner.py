"""Runs on a host, as root, for as long as one SSH channel is open: it does what a line asks and answers with a line.

Python's standard library only, Python 3.7 or later: this text is sent to hosts that have nothing of ours.
It never interprets a shell string. When its standard input ends, so does it; what runs then is run to its end.
Every import here is paid on every host at every command: http.client alone takes as long as all the others together.
"""

from __future__ import annotations

import binascii
import fcntl
import json
import os
import socket
import subprocess
import sys
import threading

GREETING = "dockmesh-runner 1"
LOCK = "/run/dockmesh.lock"

NOT_FOUND = 127  # as a shell answers for a missing program
TIMED_OUT = 124  # as timeout(1) does
NO_FILE = 2  # ENOENT
NOT_ACTIVE = 3  # as systemctl answers
LOCKED = 75  # EX_TEMPFAIL of sysexits.h

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
THREADS = 16

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_held: list[Any] = []
# Whether a unit is active, asked once for all questions of an order.
_active: dict[str, bool] = {}
_asking = threading.Lock()


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
    temporary = os.path.join(os.path.dirname(path), f".dockmesh-{os.urandom(6).hex()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
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


def put_bytes(path: str, base64: str, offset: int) -> dict[str, Any]:
    """A piece of a file, which ends with it until the next one comes."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        file.truncate(offset)
        file.seek(offset)
        file.write(binascii.a2b_base64(base64))
    return answer(0)


def get_bytes(path: str, offset: int, length: int) -> dict[str, Any]:
    with open(path, "rb") as file:
        file.seek(offset)
        return answer(0, binascii.b2a_base64(file.read(length), newline=False).decode())


def remove(path: str) -> dict[str, Any]:
    os.unlink(path)
    return answer(0)


def is_active(unit: str) -> bool:
    with _asking:
        if unit not in _active:
            done = subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False)
            _active[unit] = done.returncode == 0
        return _active[unit]


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


def find(programs: list[str]) -> dict[str, Any]:
    found = filter(None, map(which, programs))
    return answer(0, "".join(f"{path}\n" for path in found))


def which(program: str) -> str | None:
    paths = (os.path.join(folder, program) for folder in PATH.split(":"))
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)


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
    "putbytes": put_bytes,
    "getbytes": get_bytes,
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
    except (OSError, ValueError) as error:  # ValueError: text or a name that cannot be encoded, an answer not in HTTP
        return answer(1, err=str(error))


def do_together(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What only reads. A file is read at once; what waits for others waits in a thread."""
    answers: dict[int, dict[str, Any]] = {}
    waits = [request["kind"] in ("run", "ask") for request in requests]
    slow = iter([place for place, wait in enumerate(waits) if wait])
    threads = [threading.Thread(target=fill, args=(answers, requests, slow)) for _ in range(min(sum(waits), THREADS))]
    for thread in threads:
        thread.start()
    fill(answers, requests, iter([place for place, wait in enumerate(waits) if not wait]))
    for thread in threads:
        thread.join()
    return [answers[place] for place in range(len(requests))]


def fill(answers: dict[int, dict[str, Any]], requests: list[dict[str, Any]], places: Iterator[int]) -> None:
    for place in places:
        answers[place] = do(requests[place])


def serve() -> None:
    sys.stdout.write(" ".join([GREETING, *sys.argv[1:]]) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        order = json.loads(line)
        _active.clear()
        requests = order["requests"]
        answers = do_together(requests) if order["together"] else [do(request) for request in requests]
        sys.stdout.write(json.dumps(answers) + "\n")
        sys.stdout.flush()


if __name__ in ("__main__", "dockmesh_runner"):
    serve()
