"""Runs on a host, as root, for as long as one SSH channel is open: it does what a line asks and answers with a line.

Python's standard library only, Python 3.7 or later: this text is sent to hosts that have nothing of ours.
It never interprets a shell string. When its standard input ends, so does it; what runs then is run to its end.
Every import here is paid on every host at every command: http.client alone takes as long as all the others together.

Between `arm` and `confirm` the host has its way back by it (agent/back.py): whoever of the two has the turn acts, and
once the way back is taken, nothing more is written here.
"""

from __future__ import annotations

import binascii
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

GREETING = "dockmesh-runner 1"
LOCK = "/run/dockmesh.lock"

STATE = "/var/lib/dockmesh"
ARMED = STATE + "/armed.json"  # how to go back, from `arm` to `confirm`
RETURNING = STATE + "/returning.json"  # the same, once the host is on its way back
BEGUN = STATE + "/begun"  # the steps that were begun since, a line each
RUNS = STATE + "/runs.jsonl"  # a line a run, the oldest first
BALLAST = STATE + "/ballast"  # room on the disk for the way back, should it be full by then
RUNTIME = "/run/dockmesh"  # empty after a boot
DEADLINE = RUNTIME + "/deadline"  # in seconds of CLOCK_BOOTTIME: the way back is taken then; 0: it is asked for now
ARMER = RUNTIME + "/armer"  # the process that armed it
TURN = RUNTIME + "/turn"
BACK = "dockmesh-back"
ENABLED = "/etc/systemd/system/multi-user.target.wants/dockmesh-back.service"

NOT_FOUND = 127  # as a shell answers for a missing program
TIMED_OUT = 124  # as timeout(1) does
NO_FILE = 2  # ENOENT
NOT_ACTIVE = 3  # as systemctl answers
LOCKED = 75  # EX_TEMPFAIL of sysexits.h
GONE_BACK = 76  # the next one

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BALLAST_BYTES = 512 * 1024
RUNS_BYTES = 256 * 1024  # of the list of runs, beyond which its older half goes
PATIENCE_S = 20  # for a process that is told to end
TRIES, AGAIN_S = 3, 1  # of a way back that is ended half-way
THREADS = 16
LAST_BYTES = 64 * 1024  # longer than any line that is asked for
PIECE_BYTES = 256 * 1024
ACTIVE = ("active", "reloading", "refreshing")  # as `systemctl is-active` takes it

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_held: list[Any] = []
_armed: list[tuple[int, int]] = []  # which way back this process armed
_turn: list[int] = []  # the file of the turn, while this process has it
_patience: list[float] = []  # its time-out, in seconds
# Whether a unit is active, asked once for all questions of an order.
_active: dict[str, bool] = {}
_asking = threading.Lock()


def answer(code: int, out: str = "", err: str = "") -> dict[str, Any]:
    return {"code": code, "out": out, "err": err}


def run(argv: list[str], stdin: str = "", timeout_s: float = 60) -> dict[str, Any]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l"}
    environment["PATH"] = PATH
    try:
        done = subprocess.run(
            argv,
            input=stdin.encode(),
            capture_output=True,
            timeout=timeout_s,
            env=environment,
            check=False,
            pass_fds=tuple(_turn),  # should we be killed, it has the turn for as long as it writes
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
    sync_folder(path)
    return answer(0)


def sync_folder(path: str) -> None:
    """What was renamed or removed beside it stays so when the power goes."""
    handle = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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


def stat(path: str) -> dict[str, Any]:
    found = os.stat(path)
    return answer(0, f"{found.st_dev} {found.st_ino}\n")


def last(path: str) -> dict[str, Any]:
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - LAST_BYTES))
        lines = file.read().splitlines()
    return answer(0, lines[-1].decode(errors="replace") + "\n" if lines else "")


def units(names: list[str], properties: list[str]) -> dict[str, Any]:
    """What systemd says of them; whether they are active need not be asked again in this order."""
    with _asking:
        said = run(["systemctl", "show", "--property=" + ",".join(["Id", "ActiveState", *properties]), *names])
        for block in said["out"].split("\n\n"):
            found = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            if "Id" in found:
                _active[found["Id"]] = found.get("ActiveState") in ACTIVE
    return said


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


def find(programs: list[str]) -> dict[str, Any]:
    found = filter(None, map(which, programs))
    return answer(0, "".join(f"{path}\n" for path in found))


def which(program: str) -> str | None:
    paths = (os.path.join(folder, program) for folder in PATH.split(":"))
    return next((path for path in paths if os.path.isfile(path) and os.access(path, os.X_OK)), None)


def lock(owner: str) -> dict[str, Any]:
    """One writer a host. The lock goes with this process, so a dead one never holds it."""
    file = open(LOCK, "a+")
    os.fchmod(file.fileno(), 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        silent_s = time.time() - os.fstat(file.fileno()).st_mtime
        return answer(LOCKED, str(int(silent_s)), file.read())
    file.truncate(0)
    file.write(owner.replace('"PID"', str(os.getpid())))
    file.flush()
    _held.append(file)
    return answer(0)


def unlock() -> dict[str, Any]:
    """End the runner that holds the lock: whoever it worked for is gone, or shall stop."""
    with open(LOCK, "a+") as file:
        if _has(file):
            return answer(NOT_ACTIVE, err="nobody holds the lock")
        file.seek(0)
        owner = file.read()
        pid = int(json.loads(owner)["pid"])
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)
            if _wait_for(lambda: _has(file)):
                return answer(0, owner)
    return answer(1, err=f"process {pid} holds the lock and does not end")


def _has(file: Any) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_for(condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


# The way back.


def now() -> float:
    """Goes on while the host sleeps, and starts anew with each boot as /run does."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def set_deadline(at: float) -> None:
    os.makedirs(RUNTIME, mode=0o700, exist_ok=True)
    with open(DEADLINE + ".new", "w") as file:
        file.write(str(at))
    os.replace(DEADLINE + ".new", DEADLINE)


@contextlib.contextmanager
def turn() -> Iterator[None]:
    """Either a run writes on this host or its way back does.

    What the run started has the turn with it: a killed runner leaves an apt or a dockerd's restart behind, and until
    that has ended nobody else writes. What only stays behind, as a daemon, gives it back by the word at the end.
    """
    os.makedirs(RUNTIME, mode=0o700, exist_ok=True)
    with open(TURN, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        _turn[:] = [file.fileno()]
        try:
            yield
        finally:
            _turn.clear()
            fcntl.flock(file, fcntl.LOCK_UN)


def arm(text: str, files: dict[str, str], timeout_s: float) -> dict[str, Any]:
    """From now on the host goes back by itself, `timeout_s` after the last order of this process."""
    if os.path.exists(ARMED) or os.path.exists(RETURNING):
        return answer(LOCKED, err="another run is not confirmed yet")
    os.makedirs(STATE, mode=0o700, exist_ok=True)
    for path, content in files.items():
        if not holds(path, content):
            if path.endswith(".service"):
                discard(ENABLED)  # whoever dies before systemd has read it leaves it to be enabled anew
            put(path, content, 0o644)
    if not os.path.lexists(ENABLED):
        enabled = run(["systemctl", "enable", BACK + ".service"])  # reads all units anew, too
        if enabled["code"]:
            return enabled
    for stale in (BEGUN, BALLAST):
        discard(stale)
    try:
        with open(BALLAST, "wb") as file:
            file.write(os.urandom(BALLAST_BYTES))  # what is written as zeros may take no room
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        discard(BALLAST)
        raise
    run(["systemctl", "stop", BACK + ".timer"])
    set_deadline(now() + timeout_s)
    with open(ARMER, "w") as armer:
        armer.write(str(os.getpid()))
    put(ARMED, text, 0o600)
    timer = run(
        [
            *("systemd-run", "--quiet", f"--on-active={timeout_s:g}", "--timer-property=AccuracySec=100ms"),
            f"--unit={BACK}.service",
        ]
    )
    if timer["code"]:
        disarm()
        return timer
    _armed[:] = [identity(ARMED)]
    _patience[:] = [timeout_s]
    return answer(0)


def holds(path: str, content: str, mode: int | None = None) -> bool:
    try:
        with open(path, encoding="utf-8") as file:
            same = file.read() == content
        return same and (mode is None or os.stat(path).st_mode & 0o7777 == mode)
    except (OSError, ValueError):
        return False


def discard(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def disarm() -> None:
    for path in (ARMED, RETURNING):
        discard(path)
    sync_folder(ARMED)  # with this it is over, whatever happens now
    for path in (BEGUN, BALLAST, DEADLINE, ARMER):
        discard(path)


def begin(step: str) -> dict[str, Any]:
    append(BEGUN, step + "\n")
    return answer(0)


def append(path: str, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def confirm(run_id: str, line: str, files: dict[str, str]) -> dict[str, Any]:
    """What the run made stays: there is no way back any more. Over whatever connection."""
    with turn():
        if armed_run() != run_id:
            return answer(GONE_BACK, last_run(), "the host went back to what it was")
        disarm()
        _armed.clear()
        unnoted = ""
        try:
            for path, content in files.items():
                put(path, content, 0o600)
            note_run(line)
        except OSError as error:  # it stays all the same
            unnoted = str(error)
    run(["systemctl", "stop", BACK + ".timer"])
    return answer(0, err=unnoted)


def note_run(line: str) -> None:
    append(RUNS, line + "\n")
    if os.stat(RUNS).st_size > RUNS_BYTES:
        with open(RUNS, encoding="utf-8", errors="replace") as file:
            lines = file.readlines()
        put(RUNS, "".join(lines[len(lines) // 2 :]), 0o600)


def recall() -> dict[str, Any]:
    """Take the way back now, and wait until it is taken; `out` is the line that it left."""
    if not (os.path.exists(ARMED) or os.path.exists(RETURNING)):
        return answer(NOT_ACTIVE, last_run(), "no run waits to be confirmed")
    with turn():
        set_deadline(0)
    for _ in range(TRIES):
        done = run(["systemctl", "start", BACK + ".service"], timeout_s=600)
        if not os.path.exists(RETURNING) and not os.path.exists(ARMED):
            _armed.clear()  # whoever asked for it knows what the host is now
            return answer(0, last_run())
        time.sleep(AGAIN_S)  # it was killed, and systemd begins it again
    return answer(done["code"] or 1, last_run(), done["err"] or f"{BACK}.service did not do it")


def armed_run() -> str:
    try:
        with open(ARMED, encoding="utf-8") as file:
            return str(json.load(file)["run"]["run"])
    except (OSError, ValueError, KeyError):
        return ""


def last_run() -> str:
    try:
        with open(RUNS, encoding="utf-8") as file:
            return file.read().rstrip().rsplit("\n", 1)[-1]
    except OSError:
        return ""


def identity(path: str) -> tuple[int, int]:
    """An inode alone is given out again."""
    found = os.stat(path)
    return found.st_ino, found.st_mtime_ns


def gone_back() -> bool:
    try:
        return bool(_armed) and identity(ARMED) != _armed[0]
    except FileNotFoundError:
        return True


WORK: dict[str, Callable[..., dict[str, Any]]] = {
    "run": run,
    "put": put,
    "get": get,
    "putbytes": put_bytes,
    "getbytes": get_bytes,
    "remove": remove,
    "ask": ask,
    "find": find,
    "stat": stat,
    "last": last,
    "units": units,
    "transact": transact,
    "lock": lock,
    "unlock": unlock,
    "arm": arm,
    "begin": begin,
    "confirm": confirm,
    "recall": recall,
}
OWN_TURN = ("confirm", "recall")
WAITS = ("run", "ask", "units", "transact")  # for others than the kernel


def do(request: dict[str, Any]) -> dict[str, Any]:
    request = dict(request)
    kind = request.pop("kind")
    try:
        return WORK[kind](**request)
    except FileNotFoundError as error:
        return answer(NO_FILE, err=str(error))
    except (OSError, ValueError) as error:  # ValueError: text or a name that cannot be encoded, an answer not in HTTP
        return answer(1, err=str(error))


def do_order(order: dict[str, Any]) -> list[dict[str, Any]]:
    requests, mode = order["requests"], order["mode"]
    _active.clear()
    if mode == "together":
        return do_together(requests)
    answers: list[dict[str, Any]] = []
    for request in requests:
        answers.append(do(request))
        if mode == "until failure" and answers[-1]["code"]:
            break
    return answers


def in_turn(order: dict[str, Any]) -> list[dict[str, Any]]:
    """The order, if the way back was not taken meanwhile; each order puts its deadline off."""
    for file in _held:
        os.utime(file.fileno())
    if not _armed or any(request["kind"] in OWN_TURN for request in order["requests"]):
        return do_order(order)
    with turn():
        if gone_back():
            if order["mode"] == "together":
                return do_order(order)
            return [answer(GONE_BACK, last_run(), "the host went back to what it was") for _ in order["requests"]]
        set_deadline(now() + _patience[0])
        answers = do_order(order)
        set_deadline(now() + _patience[0])
        return answers


def do_together(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What only reads. A file is read at once; what waits for others waits in a thread."""
    answers: dict[int, dict[str, Any]] = {}
    waits = [request["kind"] in WAITS for request in requests]
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
        sys.stdout.write(json.dumps(in_turn(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ in ("__main__", "dockmesh_runner"):
    serve()
