"""Machines outside a mesh, on a lab host: a switch of theirs, with VLANs, and a cable from it to the host.

The switch is an Open vSwitch bridge, for a lab's kernel may have no VLAN devices; a machine is a network namespace.
"""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.lab.hostile import inside
from tests.lab.mesh import Mesh

INTERFACE, SWITCH, CABLE = "phy0", "outside", "sw0"
# What a device sums for hardware that is not there breaks TCP towards a userspace datapath.
NO_OFFLOAD = "ethtool -K {} tx off >/dev/null"
# Ends with its standard input, and says how often it heard each mark.
COUNT = """
import collections, json, re, select, socket, sys
ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
ear.bind((sys.argv[1], 0))
print("ready", flush=True)
heard = collections.Counter()
while True:
    ready, _, _ = select.select([ear, 0], [], [])
    if ear in ready:
        frame, (_, _, kind, *_) = ear.recvfrom(4000)
        found = re.search(rb"dockmesh-hostile-([a-z0-9-]+);", frame)
        if found and kind != socket.PACKET_OUTGOING:
            heard[found[1].decode()] += 1
    elif 0 in ready:
        print(json.dumps(heard), flush=True)
        sys.exit()
"""
SEND_ONCE = """
import binascii, socket, sys
mouth = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
mouth.bind((sys.argv[1], 0))
for line in sys.stdin:
    mouth.send(binascii.unhexlify(line.strip()))
"""
# A megabyte and its digest, sent by TCP by one side and read by the other.
TAKE = """
import hashlib, socket, sys
server = socket.create_server(("", 5001))
print("ready", flush=True)
peer, _ = server.accept()
digest = hashlib.sha256()
while data := peer.recv(1 << 16):
    digest.update(data)
print(digest.hexdigest(), flush=True)
"""
GIVE = """
import hashlib, os, socket, sys
data = os.urandom(1 << 20)
with socket.create_connection((sys.argv[1], 5001), 20) as peer:
    peer.sendall(data)
print(hashlib.sha256(data).hexdigest())
"""


@dataclass(frozen=True)
class Machine:
    """In the VLAN of that tag, or in none."""

    name: str
    address: str  # with the length of the prefix
    vlan: int = 0

    @property
    def ip(self) -> str:
        return self.address.partition("/")[0]


def attach(mesh: Mesh, name: str, host: str, words: str = f"interface: {INTERFACE}") -> None:
    """To a network of the file, which has it in several lines."""
    new = rf"\g<0>\n\g<1>  attach: {{host: {host}, {words}}}"
    text, found = re.subn(rf"^( *)- name: {name}\b.*$", new, mesh.file.read_text(), flags=re.MULTILINE)
    assert found == 1, text
    mesh.file.write_text(text)


def switch_made(mesh: Mesh, host: str) -> None:
    mesh.on(host, f"ovs-vsctl --may-exist add-br {SWITCH} -- set bridge {SWITCH} datapath_type=netdev")


def plugged_in(mesh: Mesh, host: str) -> None:
    """The interface comes. It is as the kernel makes one: down."""
    mesh.on(host, f"ip link add {INTERFACE} type veth peer name {CABLE} && ip link set {CABLE} up")
    mesh.on(host, f"{NO_OFFLOAD.format(INTERFACE)}; {NO_OFFLOAD.format(CABLE)}")
    # The userspace datapath keeps the device that was there under that name before.
    mesh.on(host, f"ovs-vsctl --if-exists del-port {SWITCH} {CABLE}; ovs-vsctl add-port {SWITCH} {CABLE}")


def unplugged(mesh: Mesh, host: str) -> None:
    mesh.on(host, f"ip link delete {INTERFACE}")


def started(mesh: Mesh, host: str, machine: Machine) -> None:
    name, port = machine.name, f"to-{machine.name}"
    within = f"ip netns exec {name}"
    mesh.on(
        host,
        f"ip netns add {name} && ip link add {port} type veth peer name nic0 netns {name} && ip link set {port} up"
        f" && {within} ip link set nic0 address 0e:00:00:00:00:{len(name):02x} up"
        f" && {within} ip link set lo up && {within} ip address add {machine.address} dev nic0"
        f" && {within} {NO_OFFLOAD.format('nic0')} && {NO_OFFLOAD.format(port)}"
        f" && ovs-vsctl --may-exist add-port {SWITCH} {port} -- set port {port} tag={machine.vlan} vlan_mode=access",
    )


def within(machine: str) -> str:
    return f"ip netns exec {machine} "


def pings(mesh: Mesh, host: str, place: str, target: str, *, size: int = 56) -> bool:
    """`place`: what makes a command run there, by `inside` or `within`."""
    return mesh.ssh(host, f"{place}ping -c 1 -W 1 -M do -s {size} {target}").code == 0


def transfers(mesh: Mesh, to: tuple[str, str, str], by: tuple[str, str]) -> bool:
    """Whether a megabyte of TCP comes as it was sent: to a host, a place there and its address; by a host and place."""
    host, place, address = to
    taker = subprocess.Popen(
        ("ssh", "-F", str(mesh.ssh_config), "-T", host, f"{place}python3 -c {shlex.quote(TAKE)}"),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert taker.stdout is not None
        assert taker.stdout.readline() == "ready\n"
        given = mesh.ssh(by[0], f"{by[1]}timeout 60 python3 -c {shlex.quote(GIVE)} {address}")
        return given.code == 0 and given.out.strip() == taker.communicate(timeout=60)[0].strip()
    finally:
        taker.kill()
        taker.wait()


def send_once(mesh: Mesh, host: str, place: str, device: str, frames: Sequence[bytes]) -> None:
    text = "".join(f"{each.hex()}\n" for each in frames)
    mesh.on(host, f"{place}python3 -c {shlex.quote(SEND_ONCE)} {device} <<'END'\n{text}END")


@dataclass
class Counted:
    """By place, how often each mark came in there; known at the end."""

    marks: Mapping[tuple[str, str], Mapping[str, int]] = field(default_factory=dict)

    def of(self, name: str) -> dict[tuple[str, str], int]:
        return {place: marks[name] for place, marks in sorted(self.marks.items()) if name in marks}


@contextmanager
def counting(mesh: Mesh, places: Mapping[tuple[str, str], str]) -> Iterator[Counted]:
    """Listen at these for the block; by host and container or machine the device."""
    found = Counted()
    with ExitStack() as stack:
        ears = {place: stack.enter_context(_ear(mesh, *place, device)) for place, device in places.items()}
        yield found
        found.marks = {place: json.loads(ear.communicate("", timeout=60)[0]) for place, ear in ears.items()}


@contextmanager
def _ear(mesh: Mesh, host: str, name: str, device: str) -> Iterator["subprocess.Popen[str]"]:
    place = within(name) if device == "nic0" else inside(name)
    ear = subprocess.Popen(
        ("ssh", "-F", str(mesh.ssh_config), "-T", host, f"{place}python3 -c {shlex.quote(COUNT)} {device}"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert ear.stdout is not None
        assert ear.stdout.readline() == "ready\n"
        yield ear
    finally:
        ear.kill()
        ear.wait()
