"""Names looked up in a lab: by the C library and by busybox in containers, and by bare messages in their network."""

import json
import shlex
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.lab.mesh import Mesh, wait_until

IMAGE = "names"
# busybox, and glibc with getent and what its resolver loads; out of the host's own files, for no registry is there.
BUILD = f"""
set -e
docker image inspect {IMAGE} >/dev/null 2>&1 && exit
work=$(mktemp -d)
mkdir -p $work/bin
cp /usr/bin/busybox $work/bin/
for file in /usr/bin/getent $(ls /lib/*/libnss_dns.so.2 /lib/*/libnss_files.so.2 /lib/*/libresolv.so.2); do
  cp --parents --dereference $file $work/
  for library in $(ldd $file | grep -o '/[^ ]*'); do cp --parents --dereference $library $work/; done
done
tar -C $work -c . | docker import --change 'CMD ["/bin/busybox", "sleep", "1000000"]' - {IMAGE}
rm -r $work
"""
# Asks one question after the other and says at the end how often what was answered.
# As resolv.conf(5) has it, a question gets 5 s and is asked twice: that which a server is at when it is killed is lost.
ASK = """
import json, socket, struct, sys, time
server, name, count, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
question = b"".join(bytes([len(each)]) + each.encode() for each in name.split(".")) + b"\\0\\0\\1\\0\\1"
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(5)
asking.connect((server, 53))
print("ready", flush=True)
said = {}
for number in range(1, count + 1):
    for attempt in range(2):
        try:
            asking.send(struct.pack("!6H", number, 0x100, 1, 0, 0, 0) + question)
            while True:
                answer = asking.recv(4096)
                if answer[:2] == struct.pack("!H", number):
                    break
            word = str(answer[3] & 15) if answer[3] & 15 else socket.inet_ntoa(answer[-4:])
            break
        except OSError as error:
            word = type(error).__name__
    said[word] = said.get(word, 0) + 1
    time.sleep(pause)
print(json.dumps(said))
"""
# Sends the bytes of its standard input, in hexadecimal, to a server by UDP or TCP, and prints the answer.
RAW = """
import socket, struct, sys
server, kind = sys.argv[1:]
question = bytes.fromhex(sys.stdin.read())
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
asking.settimeout(20)
asking.connect((server, 53))
if kind == "udp":
    asking.send(question)
    print(asking.recv(65535).hex())
else:
    asking.sendall(struct.pack("!H", len(question)) + question)
    stream = asking.makefile("rb")
    print(stream.read(struct.unpack("!H", stream.read(2))[0]).hex())
"""
PROGRAMS = {"/root/ask.py": ASK, "/root/raw.py": RAW}


def prepare(mesh: Mesh) -> None:
    """The image, and the programs that ask, on every host."""

    def on(host: str) -> None:
        for path, text in PROGRAMS.items():
            put(mesh, host, path, text)
        mesh.on(host, BUILD)

    mesh.on_all(on)


def put(mesh: Mesh, host: str, path: str, text: str) -> None:
    encoded = b64encode(text.encode()).decode()
    mesh.on(host, f"mkdir -p $(dirname {path}) && echo {encoded} | base64 -d > {path}")


def start(mesh: Mesh, host: str, name: str, *options: str) -> str:
    """A container of the image; its address."""
    words = shlex.join(options)
    mesh.on(host, f"docker run --detach --name {name} --stop-signal KILL {words} {IMAGE}")
    return mesh.on(
        host, f"docker inspect --format '{{{{range .NetworkSettings.Networks}}}}{{{{.IPAddress}}}}{{{{end}}}}' {name}"
    )


@dataclass(frozen=True)
class Allocation:
    """A container that looks names up."""

    mesh: Mesh
    host: str
    container: str

    def finds(self, name: str) -> list[str]:
        """By glibc: the IPv4 addresses, sorted; none where the name is not found."""
        done = self.mesh.ssh(self.host, f"docker exec {self.container} getent ahostsv4 {name}")
        return sorted({line.split()[0] for line in done.out.splitlines() if "STREAM" in line})

    def busybox_finds(self, name: str) -> list[str]:
        """By busybox' own resolver, which tells the server first."""
        done = self.mesh.ssh(self.host, f"docker exec {self.container} /bin/busybox nslookup -type=a {name}")
        answer = done.out.partition("\n\n")[2]
        return sorted({line.split()[-1] for line in answer.splitlines() if line.startswith("Address")})

    def name_of(self, address: str) -> str:
        done = self.mesh.ssh(self.host, f"docker exec {self.container} getent hosts {address}")
        return done.out.split()[1] if done.code == 0 else ""

    def until_finds(self, name: str, *addresses: str) -> None:
        wanted, where = sorted(addresses), f"{self.container} on {self.host}"
        wait_until(lambda: self.finds(name) == wanted, f"{where} finds {name} at {wanted}")

    @property
    def inside(self) -> str:
        """What a command line of the host begins with to be run in the container's network."""
        show = f"docker inspect --format '{{{{.State.Pid}}}}' {self.container}"
        return f"nsenter --net=/proc/$({show})/ns/net"

    def ask_raw(self, question: bytes, server: str, kind: str = "udp") -> bytes:
        """The bytes of the answer to these bytes."""
        out = self.mesh.on(self.host, f"echo {question.hex()} | {self.inside} python3 /root/raw.py {server} {kind}")
        return bytes.fromhex(out)

    @contextmanager
    def asking(self, server: str, name: str, count: int = 150, pause_s: float = 0.02) -> Iterator["Asked"]:
        """Ask again and again while something happens; what was answered is known when the block has ended."""
        command = f"{self.inside} python3 /root/ask.py {server} {name} {count} {pause_s}"
        argv = ("ssh", "-F", str(self.mesh.own_ssh_config), "-l", "root", self.host, command)
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            asked = Asked()
            yield asked
            said: Any = json.loads(process.stdout.readline())
            asked.said |= said


@dataclass
class Asked:
    """How often what was answered: an address, or a code that is not 0."""

    said: dict[str, int] = field(default_factory=dict)
