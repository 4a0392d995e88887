"""Starts and removes one host's end of a verification: a probe container, and a listener on the bridge address.

Python's standard library only, Python 3.9 or later. The container's image is made here, of nothing: empty folders and
the links of a merged /usr. What runs in it is the host's own Python, through a read-only mount of the host's /usr, so
that no registry is needed and nothing has to be built for the host's processor.

Whatever is made bears a label that names the process for which it was made. Of a process that is no more, it goes.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import time
import urllib.parse
from typing import Any

Order = dict[str, Any]

DOCKER_SOCKET = "/run/docker.sock"
LABEL = "dockmesh.probe"
REPOSITORY = "dockmesh-probe"
# Both for a container's first start on a slow host; whether Docker answers at all was asked before.
API_DEADLINE_S = 45.0
READY_DEADLINE_S = 30.0
HEAR_DEADLINE_S = 3.0
POLL_S = 0.05

EMPTY_FOLDERS = ("dev", "etc", "proc", "run", "sys", "tmp", "usr", "var")
# Links into /usr on a system with merged /usr, folders of their own on others.
SYSTEM_FOLDERS = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")


class DockerApiError(Exception):
    pass


class UnixConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(API_DEADLINE_S)
        self.sock.connect(DOCKER_SOCKET)


def request(method: str, url: str, body: Any = None, query: Order | None = None) -> bytes:
    connection = UnixConnection("localhost")
    if query:
        url += "?" + urllib.parse.urlencode({key: _text(value) for key, value in query.items()})
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
    try:
        connection.request(method, url, content, {"Content-Type": kind})
        response = connection.getresponse()
        answer = response.read()
    finally:
        connection.close()
    if response.status >= 400:
        raise DockerApiError(f"{method} {url.split('?')[0]}: {response.status} {message(answer)}")
    return answer


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def message(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["message"])
    except (ValueError, KeyError, TypeError):
        return answer.decode(errors="replace").strip()


def owner(pid: int) -> str:
    """A process, told from later ones with the same number by its start time (the 22nd field, after the name)."""
    with open(f"/proc/{pid}/stat") as file:
        return f"{pid}-{file.read().rsplit(')', 1)[1].split()[19]}"


def is_alive(mark: str) -> bool:
    try:
        return owner(int(mark.partition("-")[0])) == mark
    except (OSError, ValueError):
        return False


def sweep() -> int:
    """Remove what killed runs left; how much there was. A run that is still going on keeps its own."""
    marked = {"filters": {"label": [LABEL]}}
    left = 0
    for row in json.loads(request("GET", "/containers/json", query={**marked, "all": "1"})):
        if not is_alive(row["Labels"][LABEL]):
            left += remove(f"/containers/{row['Id']}")
    for row in json.loads(request("GET", "/images/json", query=marked)):
        if not is_alive(row["Labels"][LABEL]):
            left += remove(f"/images/{row['Id']}")
    return left


def remove(url: str) -> int:
    try:
        request("DELETE", url, query={"force": "1"})
    except DockerApiError:
        return 0  # Docker is removing it by itself, as the container asked for
    return 1


def binds(root: str = "/") -> list[str]:
    """What of the host the container sees, read-only: /usr, and what of the system lies outside it."""
    paths = ["/usr", "/etc/ld.so.cache"]
    paths += [f"/{name}" for name in SYSTEM_FOLDERS if not os.path.islink(os.path.join(root, name))]
    if not sys.base_prefix.startswith("/usr"):
        paths.append(sys.base_prefix)
    return [f"{path}:{path}:ro" for path in paths if os.path.exists(os.path.join(root, path.lstrip("/")))]


def image(root: str = "/") -> bytes:
    """A tar archive with nothing in it but places to mount to."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in EMPTY_FOLDERS:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(entry)
        for name in SYSTEM_FOLDERS:
            path = os.path.join(root, name)
            entry = tarfile.TarInfo(name)
            if os.path.islink(path):
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
            elif os.path.isdir(path):
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            else:
                continue
            tar.addfile(entry)
    return buffer.getvalue()


def import_image(name: str, mark: str) -> None:
    query = {"fromSrc": "-", "repo": REPOSITORY, "tag": name, "changes": f"LABEL {LABEL}={mark}"}
    for line in request("POST", "/images/create", image(), query).splitlines():
        said = json.loads(line)
        if "error" in said:
            raise DockerApiError(f"import of an image: {said['error']}")


def start_container(order: Order, mark: str) -> Order:
    name = order["token"]
    import_image(name, mark)
    serve = {**order["serve"], "bind": "0.0.0.0", "for_pid": None}  # noqa: S104  its network is its own
    created = request(
        "POST",
        "/containers/create",
        {
            "Image": f"{REPOSITORY}:{name}",
            "Cmd": [os.path.realpath(sys.executable), "-I", "-c", order["probe"], "serve", json.dumps(serve)],
            "Labels": {LABEL: mark},
            "StopSignal": "SIGKILL",
            "HostConfig": {
                "AutoRemove": True,
                "Binds": binds(),
                "CapAdd": ["NET_RAW"],
                "LogConfig": {"Type": "json-file"},
                "NetworkMode": "bridge",
                "SecurityOpt": ["label=disable"],
            },
        },
        {"name": f"{REPOSITORY}-{name}"},
    )
    ident = json.loads(created)["Id"]
    request("POST", f"/containers/{ident}/start")
    port = wait_for(ident, "ready", READY_DEADLINE_S)
    network = json.loads(request("GET", f"/containers/{ident}/json"))["NetworkSettings"]["Networks"]["bridge"]
    return {"id": ident, "address": network["IPAddress"], "mac": network["MacAddress"], "port": int(port)}


def wait_for(container: str, word: str, deadline_s: float) -> str:
    """The second word of the first line that begins with `word`."""
    end = time.monotonic() + deadline_s
    while True:
        lines = said_by(container)
        for line in lines:
            if line.startswith(word):
                return line.split()[1]
        if time.monotonic() > end:
            raise DockerApiError(f"the container did not say {word!r}, but {' / '.join(lines[-3:]) or 'nothing'}")
        time.sleep(POLL_S)


def said_by(container: str) -> list[str]:
    """What it wrote to standard output and error, in lines."""
    stream = request("GET", f"/containers/{container}/logs", query={"stdout": "1", "stderr": "1"})
    return b"".join(part for _, part in frames(stream)).decode(errors="replace").splitlines()


def frames(stream: bytes) -> list[tuple[int, bytes]]:
    """Docker's way to carry two outputs in one stream: which one, three zeros, the length, the bytes."""
    found, place = [], 0
    while place + 8 <= len(stream):
        length = int.from_bytes(stream[place + 4 : place + 8], "big")
        found.append((stream[place], stream[place + 8 : place + 8 + length]))
        place += 8 + length
    return found


def start_listener(order: Order) -> Order:
    """A process that outlives this one, and ends with the runner, which lives as long as the SSH connection."""
    # It hears no broadcasts; so the secret is not in the list of the host's processes.
    serve = {**order["serve"], "bind": order["address"], "broadcast_port": 0, "secret": "", "for_pid": os.getppid()}
    argv = [sys.executable, "-I", "-c", order["probe"], "serve", json.dumps(serve)]
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        process.wait()
        return {"error": f"nobody can listen on {order['address']}"}
    return {"port": int(line.split()[1])}


def begin(order: Order) -> Order:
    """Start what other hosts will measure. What cannot be started says why; the rest is started all the same."""
    result: Order = {"listener": start_listener(order), "swept": 0}
    if order["docker"]:
        try:
            result["swept"] = sweep()
            result["container"] = start_container(order, owner(os.getppid()))
        except (DockerApiError, OSError, http.client.HTTPException, ValueError) as failure:
            result["container"] = {"error": str(failure) or type(failure).__name__}
    return result


def measure(order: Order) -> Order:
    """Measure in the network of the container, with a process of the host's.

    `docker exec` would do the same, and costs a slow host seconds that probes of other hosts do not wait.
    """
    try:
        state = json.loads(request("GET", f"/containers/{order['container']}/json"))["State"]
        if not state["Pid"]:
            return {"error": f"the container has ended with exit code {state['ExitCode']}"}
        argv = ["nsenter", f"--net=/proc/{state['Pid']}/ns/net", sys.executable, "-I", "-c", order["probe"], "measure"]
        done = subprocess.run(argv, input=json.dumps(order["measure"]).encode(), capture_output=True, check=False)
        return {"measured": json.loads(done.stdout)} if done.stdout else {"error": done.stderr.decode()[-500:]}
    except (DockerApiError, OSError, http.client.HTTPException, ValueError, KeyError) as failure:
        return {"error": str(failure) or type(failure).__name__}


def finish(order: Order) -> Order:
    """What the container has heard; then everything goes that `begin` started."""
    result: Order = {"heard": [], "error": None}
    try:
        if order["container"]:
            result["heard"] = hear(order["container"], set(order["sources"]))
        if order["docker"]:
            remove(f"/containers/{REPOSITORY}-{order['token']}")
            remove(f"/images/{REPOSITORY}:{order['token']}")
    except (DockerApiError, OSError, http.client.HTTPException) as failure:
        result["error"] = str(failure) or type(failure).__name__
    return result


def hear(container: str, sources: set[str]) -> list[tuple[str, str]]:
    """Source and number of each broadcast that came; waits a little for sources that are not among them."""
    end = time.monotonic() + HEAR_DEADLINE_S
    while True:
        lines = [line.split() for line in said_by(container) if line.startswith("heard ")]
        if sources <= {line[1] for line in lines} or time.monotonic() > end:
            return [(line[1], line[2]) for line in lines]
        time.sleep(POLL_S)


ROLES = {"begin": begin, "measure": measure, "finish": finish}

if __name__ == "__main__":
    json.dump(ROLES[sys.argv[1]](json.loads(sys.stdin.read())), sys.stdout)
