"""Numbered broadcasts and multicasts from one container, and how often each arrives at others: twice is a loop."""

import base64
import contextlib
import json
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.lab.mesh import Mesh, wait_until

# Both end with their standard input, and then the hearer says what it heard: by kind and number the times.
HEAR = """
import collections, json, select, socket, sys
ears = []
for group in (None, "239.1.2.3"):
    ear = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    ear.bind(("" if group is None else group, 7007 if group is None else 7008))
    if group:
        anywhere = socket.inet_aton("0.0.0.0")
        ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + anywhere)
    ears.append(ear)
print("ready", flush=True)
heard = collections.Counter()
while True:
    ready, _, _ = select.select([*ears, 0], [], [])
    for ear in ready:
        if ear == 0:
            print(json.dumps(heard), flush=True)
            sys.exit()
        heard[ear.recv(100).decode()] += 1
"""
SEND = """
import itertools, select, socket, sys
mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
mouth.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 8)
for number in itertools.count():
    for kind, target in (("broadcast", ("255.255.255.255", 7007)), ("multicast", ("239.1.2.3", 7008))):
        try:
            mouth.sendto(f"{kind} {number}".encode(), target)
        except OSError:
            pass
    print(number, flush=True)
    if select.select([0], [], [], 0.02)[0]:
        sys.exit()
"""


@dataclass
class Copies:
    """By the hearing host, what it heard how often; known when the block has ended."""

    sender: str
    numbers: "subprocess.Popen[str]"
    sent: int = 0
    heard: dict[str, dict[str, int]] = field(default_factory=dict)

    def wait_for(self, more: int) -> None:
        """Until so many more have been sent."""
        assert self.numbers.stdout is not None
        for _ in range(more):
            line = self.numbers.stdout.readline()
            assert line, "the sender has ended"
            self.sent = int(line) + 1

    @property
    def most(self) -> int:
        """The most copies of anything at any host."""
        return max(times for each in self.heard.values() for times in each.values())

    def lost(self, host: str) -> int:
        """Of the broadcasts that are known to have been sent."""
        return sum(f"broadcast {number}" not in self.heard[host] for number in range(self.sent))


@contextlib.contextmanager
def copies(mesh: Mesh, sender: str, hearers: Sequence[str], container: str = "web") -> Iterator[Copies]:
    """Send one of each every 20 ms until the end of the block."""
    with contextlib.ExitStack() as stack:
        ears = {host: stack.enter_context(_inside(mesh, host, container, HEAR)) for host in hearers}
        for host, ear in ears.items():
            assert ear.stdout is not None
            assert ear.stdout.readline() == "ready\n", f"{host} does not hear"
        mouth = stack.enter_context(_inside(mesh, sender, container, SEND))
        found = Copies(sender, mouth)
        yield found
        rest, _ = mouth.communicate("\n", timeout=20)
        found.sent = max([found.sent, *(int(line) + 1 for line in rest.split())])
        for host, ear in ears.items():
            said, _ = ear.communicate("\n", timeout=20)
            found.heard[host] = json.loads(said)


def _inside(mesh: Mesh, host: str, container: str, program: str) -> "subprocess.Popen[str]":
    """A program in the network of a container, by the host's own Python."""
    text = base64.b64encode(program.encode()).decode()
    python = shlex.quote(f"import base64;exec(base64.b64decode('{text}'))")
    pid = f'$(docker inspect --format "{{{{.State.Pid}}}}" {container})'
    command = f"nsenter --net=/proc/{pid}/ns/net python3 -c {python}"
    return subprocess.Popen(
        ("ssh", "-F", str(mesh.own_ssh_config), "-T", "-l", "root", host, command),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_for_a_copy(mesh: Mesh, sender: str, hearers: Sequence[str]) -> None:
    """Until what is sent to all arrives everywhere."""

    def arrives() -> bool:
        with copies(mesh, sender, hearers) as found:
            found.wait_for(5)
        return all(found.heard[host] for host in hearers)

    wait_until(arrives, f"a broadcast of {sender} at {', '.join(hearers)}")
