"""A resolver as a process of its own, on the loopback device: no root is needed, for its port is a high one.

Around it stand a Docker that is a script, another host's resolver and a server for names outside, all in this process.
"""

import contextlib
import json
import os
import secrets
import socket
import socketserver
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dnslib import RCODE, DNSRecord

# What differs from a host: the port, where Docker is, and which files name the servers outside.
PROGRAM = """
import json, sys
from dockmesh.agent.names import api, docker, main, peers, sockets, upstream
told = json.loads(sys.argv[1])
sockets.PORT = peers.PORT = upstream.PORT = told["port"]
api.SOCKET, docker.RUNNING = told["docker"], (told["docker"],)
main.Upstream = lambda ours: upstream.Upstream(ours, "/dev/null", told["resolv_conf"])
main.main(told["settings"])
"""
PATIENCE_S = 30.0  # for what takes milliseconds, on a machine that may be busy
CONTAINERS = 3


@dataclass(frozen=True)
class Place:
    """Addresses of one test in 127.0.0.0/8, which are nobody else's."""

    second: int

    def at(self, last: str) -> str:
        return f"127.{self.second}.{last}"

    @property
    def host(self) -> str:
        return self.at("0.1")

    @property
    def peer(self) -> str:
        return self.at("0.2")

    @property
    def outside(self) -> str:
        return self.at("0.9")

    def container(self, number: int) -> str:
        return self.at(f"64.{number}")

    @property
    def settings(self) -> dict[str, Any]:
        network: dict[str, Any] = {
            "name": "docker0",
            "docker": "bridge",
            "address": self.host,
            "prefix": self.at("0.0/16"),
        }
        network |= {"pool": self.at("64.0/18"), "peers": {"host2": self.peer}}
        return {"host": "host1", "domain": "mesh", "networks": [network]}


def free_port(place: Place) -> int:
    """Free at each address, for UDP and TCP."""
    while True:
        port = secrets.choice(range(20000, 30000))
        with contextlib.ExitStack() as stack:
            try:
                for address in (place.host, place.peer, place.outside):
                    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                        stack.enter_context(socket.socket(socket.AF_INET, kind)).bind((address, port))
            except OSError:
                continue
            return port


class Docker(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Tells of `web`, `web2` … and then of nothing more."""

    daemon_threads = True

    def __init__(self, path: Path, place: Place) -> None:
        super().__init__(str(path), DockerSays)
        self.containers = {
            f"{number:064x}": {
                "Id": f"{number:064x}",
                "Name": f"/web{number}" if number > 1 else "/web",
                "State": {"Running": True, "Pid": 0},
                "NetworkSettings": {"Networks": {"bridge": {"IPAddress": place.container(number)}}},
            }
            for number in range(1, CONTAINERS + 1)
        }


class DockerSays(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        path = self.rfile.readline().split()[1].decode()
        while self.rfile.readline().strip():
            pass
        assert isinstance(self.server, Docker)
        if path.startswith("/events"):
            self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
            self.rfile.read()  # until the other end closes
            return
        known = self.server.containers
        rows = [{**each, "Names": [each["Name"]]} for each in known.values()]
        found: Any = rows if path == "/containers/json" else known.get(path.split("/")[2])
        head = b"HTTP/1.0 200 OK\r\n\r\n" if found else b"HTTP/1.0 404 Not Found\r\n\r\n"
        self.wfile.write(head + json.dumps(found).encode())


class Echo(socketserver.BaseRequestHandler):
    """A server that gives each question back as its answer, with its code."""

    code = 0

    def answer(self, data: bytes) -> bytes:
        return data[:2] + bytes((data[2] | 0x80, data[3] & 0xF0 | self.code)) + data[4:] if len(data) >= 12 else b""

    def handle(self) -> None:
        if isinstance(self.request, socket.socket):
            with contextlib.suppress(OSError, struct.error):
                data = self.answer(framed(self.request))
                self.request.sendall(struct.pack("!H", len(data)) + data)
        else:
            data, mouth = self.request
            with contextlib.suppress(OSError):
                mouth.sendto(self.answer(data), self.client_address)


class Nothing(Echo):
    """Another host's resolver, which knows no names."""

    code = 3


class Udp(socketserver.UDPServer):
    max_packet_size = 65535


class Tcp(socketserver.ThreadingTCPServer):
    daemon_threads = True


class Running:
    """The process, as the kernel and its askers see it."""

    def __init__(self, place: Place, port: int, process: subprocess.Popen[bytes], errors: Path) -> None:
        self.place = place
        self.port = port
        self.process = process
        self.errors = errors

    @property
    def cpu_s(self) -> float:
        """Of the processor, however busy it is otherwise: the process' own clock (clock_getcpuclockid(3))."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def _status(self, key: str) -> int:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))

    @property
    def memory_bytes(self) -> int:
        """The most that it ever had at once."""
        return self._status("VmHWM") * 1024

    @property
    def sleeps(self) -> int:
        """How often it had nothing to do: each of its awakenings ends in one."""
        return self._status("voluntary_ctxt_switches")

    @property
    def complaints(self) -> list[str]:
        """What it said, but for what it says of a host that this machine was too busy to let answer in time."""
        lines = self.errors.read_text().splitlines()
        ended = [] if self.process.poll() is None else [f"it ended with {self.process.returncode}"]
        return [*ended, *(line for line in lines if not line.startswith("docker0: host2 "))]

    def mouth(self, source: str, kind: socket.SocketKind = socket.SOCK_DGRAM) -> socket.socket:
        """A socket of somebody with this address, connected to the resolver."""
        made = socket.socket(socket.AF_INET, kind)
        made.settimeout(PATIENCE_S)
        made.bind((source, 0))
        made.connect((self.place.host, self.port))
        return made

    def ask(self, name: str, number: int = 1, kind: socket.SocketKind = socket.SOCK_DGRAM) -> tuple[str, list[str]]:
        """Code and addresses, as a container gets them."""
        question = DNSRecord.question(name)
        data = bytes(question.pack())
        with self.mouth(self.place.container(number), kind) as mouth:
            mouth.sendall(data if kind == socket.SOCK_DGRAM else struct.pack("!H", len(data)) + data)
            said = mouth.recv(65535) if kind == socket.SOCK_DGRAM else framed(mouth)
        answer = DNSRecord.parse(said)
        assert answer.header.id == question.header.id
        return RCODE[answer.header.rcode], [str(each.rdata) for each in answer.rr]


def framed(mouth: socket.socket) -> bytes:
    """A message over TCP."""
    with mouth.makefile("rb") as stream:
        return stream.read(struct.unpack("!H", stream.read(2))[0])


@contextmanager
def resolver(folder: Path) -> Iterator[Running]:
    """It has read from Docker what runs, and answers."""
    place = Place(secrets.choice(range(64, 250)))
    port = free_port(place)
    files = {name: folder / name for name in ("docker.sock", "notify.sock", "names.conf", "resolv.conf", "errors")}
    files["names.conf"].write_text(json.dumps(place.settings))
    files["resolv.conf"].write_text(f"nameserver {place.outside}\n")
    told = {
        "port": port,
        "docker": str(files["docker.sock"]),
        "resolv_conf": str(files["resolv.conf"]),
        "settings": str(files["names.conf"]),
    }
    with contextlib.ExitStack() as stack:
        servers: list[socketserver.BaseServer] = [
            Docker(files["docker.sock"], place),
            Udp((place.outside, port), Echo),
            Tcp((place.outside, port), Echo),
            Udp((place.peer, port), Nothing),
        ]
        for server in servers:
            stack.callback(server.server_close)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            stack.callback(server.shutdown)
        notify = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        notify.bind(str(files["notify.sock"]))
        notify.settimeout(PATIENCE_S)
        environment = {**os.environ, "NOTIFY_SOCKET": str(files["notify.sock"])}
        argv = (sys.executable, "-c", PROGRAM, json.dumps(told))
        errors = stack.enter_context(files["errors"].open("wb"))
        process = stack.enter_context(subprocess.Popen(argv, env=environment, stderr=errors))
        stack.callback(process.kill)
        while b"Docker: followed" not in notify.recv(4096):
            pass
        # As systemd does: who tells it something does not wait.
        notify.settimeout(None)
        threading.Thread(target=drain, args=(notify,), daemon=True).start()
        stack.callback(notify.shutdown, socket.SHUT_RDWR)
        yield Running(place, port, process, files["errors"])


def drain(ear: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while ear.recv(4096):
            pass
