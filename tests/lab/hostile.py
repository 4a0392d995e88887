"""A container that sends what it must not: frames of its own making, by a packet socket (NET_RAW, Docker's default).

Each frame ends in a mark of its own, so it is known again wherever it comes out, whatever became of it on the way.
"""

import json
import shlex
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

from tests.lab.mesh import Mesh, wait_until

MARK = b"dockmesh-hostile-"
BROADCAST = "ff:ff:ff:ff:ff:ff"
BPDU_GROUP = "01:80:c2:00:00:00"
# Told by its standard input: frames in hexadecimal, one a line, sent ten times each.
SEND = """
import binascii, socket, sys
mouth = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
mouth.bind(("eth0", 0))
for line in sys.stdin:
    for _ in range(10):
        mouth.send(binascii.unhexlify(line.strip()))
"""
# Ends with its standard input, and then says which marks it heard on which device.
HEAR = """
import collections, json, re, select, socket, sys
ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
print("ready", flush=True)
heard = collections.defaultdict(set)
while True:
    ready, _, _ = select.select([ear, 0], [], [])
    if ear in ready:
        frame, (device, _, kind, *_) = ear.recvfrom(4000)
        found = re.search(rb"dockmesh-hostile-([a-z0-9-]+);", frame)
        if found and kind != socket.PACKET_OUTGOING:
            heard[found[1].decode()].add(device)
    elif 0 in ready:
        print(json.dumps({mark: sorted(devices) for mark, devices in heard.items()}), flush=True)
        sys.exit()
"""


def inside(container: str) -> str:
    pid = f'"$(docker inspect --format {{{{.State.Pid}}}} {shlex.quote(container)})"'
    return f"nsenter --net=/proc/{pid}/ns/net "


def mac(address: str) -> str:
    """Of the container, or the bridge, that has this address."""
    return ":".join(["02", "42", *(f"{int(part):02x}" for part in address.split("."))])


def frame(source: str, payload: bytes, name: str, *, to: str = BROADCAST, tags: Sequence[int] = ()) -> bytes:
    """Ethernet; `payload` begins with its EtherType."""
    addresses = bytes.fromhex((to + source).replace(":", ""))
    return addresses + b"".join(b"\x81\x00" + tag.to_bytes(2, "big") for tag in tags) + payload + _mark(name)


def _mark(name: str) -> bytes:
    return (MARK + name.encode() + b";").ljust(64, b"\0")


def arp(operation: int, sender_mac: str, sender: str, target: str) -> bytes:
    head = bytes.fromhex("0806000108000604") + operation.to_bytes(2, "big")
    return head + bytes.fromhex(sender_mac.replace(":", "")) + _packed(sender) + bytes(6) + _packed(target)


def udp(source: str, destination: str, ports: tuple[int, int] = (7007, 7007)) -> bytes:
    """An IPv4 packet whose length counts the mark behind it, so that no switch cuts that off."""
    length = 28 + 64
    header = bytearray(bytes.fromhex("4500") + length.to_bytes(2, "big") + bytes.fromhex("0001000040110000"))
    header += _packed(source) + _packed(destination)
    words = sum(int.from_bytes(header[place : place + 2], "big") for place in range(0, 20, 2))
    while words >> 16:
        words = (words & 0xFFFF) + (words >> 16)
    header[10:12] = (~words & 0xFFFF).to_bytes(2, "big")
    both = b"".join(port.to_bytes(2, "big") for port in ports)
    return b"\x08\x00" + bytes(header) + both + (length - 20).to_bytes(2, "big") + b"\0\0"


def ipv6(source: bytes) -> bytes:
    """A packet of UDP to all nodes of the link."""
    length = 8 + 64
    head = bytes.fromhex("86dd60000000") + length.to_bytes(2, "big") + b"\x11\x40" + source
    return head + bytes.fromhex("ff0200000000000000000000000000011b5f1b5f") + length.to_bytes(2, "big") + b"\x00\x01"


ALL_NODES, ALL_NODES_MAC = "ff02::1", "33:33:00:00:00:01"


def neighbours(source_mac: str, source: str, kind: int, body: bytes, name: str) -> bytes:
    """A whole frame of ND (RFC 4861) to all nodes; `body` is what follows its checksum. The mark is an option of it."""
    own = b"\x02\x01" if kind == 136 else b"\x01\x01"  # the link-layer address of the target, or of the source
    option = bytes([253, 9]) + (MARK + name.encode() + b";").ljust(70, b"\0")
    message = bytes([kind, 0, 0, 0]) + body + own + bytes.fromhex(source_mac.replace(":", "")) + option
    ends = ip_address(source).packed + ip_address(ALL_NODES).packed
    pseudo = ends + len(message).to_bytes(4, "big") + b"\0\0\0\x3a" + message
    words = sum(int.from_bytes(pseudo[place : place + 2], "big") for place in range(0, len(pseudo), 2))
    while words >> 16:
        words = (words & 0xFFFF) + (words >> 16)
    message = message[:2] + (~words & 0xFFFF).to_bytes(2, "big") + message[4:]
    head = bytes.fromhex("60000000") + len(message).to_bytes(2, "big") + b"\x3a\xff" + ends
    return bytes.fromhex((ALL_NODES_MAC + source_mac).replace(":", "")) + b"\x86\xdd" + head + message


def advertisement(source_mac: str, source: str, target: str, name: str) -> bytes:
    """A neighbour's, unasked, that overrides what is known of the target."""
    return neighbours(source_mac, source, 136, bytes.fromhex("20000000") + ip_address(target).packed, name)


def router(source_mac: str, source: str, prefix: str, name: str) -> bytes:
    """Of somebody who would be everybody's router, and gives them addresses of a /64."""
    head = bytes.fromhex("40000708" + "00000000" * 2)
    lifetimes = bytes.fromhex("00000e10" * 2 + "00000000")
    return neighbours(source_mac, source, 134, head + b"\x03\x04\x40\xc0" + lifetimes + ip_address(prefix).packed, name)


def behind_options(packet: bytes) -> bytes:
    """The frame with a header of options before what it carries, where a careless guard does not look (RFC 7113)."""
    ethernet, head, rest = packet[:14], packet[14:54], packet[54:]
    length = (len(rest) + 8).to_bytes(2, "big")
    return ethernet + head[:4] + length + b"\x3c" + head[7:] + head[6:7] + b"\0\x01\x04\0\0\0\0" + rest


def bpdu(name: str) -> bytes:
    """Of a bridge that would be the root of any rapid spanning tree (IEEE 802.1D-2004, section 9.3.3)."""
    best = bytes.fromhex("0000020000000001")
    content = bytes.fromhex("424203000002023c") + best + bytes(4) + best + bytes.fromhex("8001")
    content += bytes.fromhex("0000140002000f0000")
    return (
        bytes.fromhex((BPDU_GROUP + "02:00:00:00:00:01").replace(":", ""))
        + (len(content) + 64).to_bytes(2, "big")
        + content
        + _mark(name)
    )


def _packed(address: str) -> bytes:
    return bytes(int(part) for part in address.split("."))


@dataclass
class Heard:
    """By host and container, or host and "", which marks came in there and by which devices; known at the end."""

    marks: Mapping[tuple[str, str], Mapping[str, list[str]]] = field(default_factory=dict)

    def at(self, name: str) -> list[tuple[str, str]]:
        """Where the frame of this name was heard."""
        return sorted(place for place, marks in self.marks.items() if name in marks)


@contextmanager
def hearing(mesh: Mesh, places: Sequence[tuple[str, str]]) -> Iterator[Heard]:
    """Listen in these containers for the block; on the host itself where there is no name of one."""
    found = Heard()
    with ExitStack() as stack:
        ears = {place: stack.enter_context(_ear(mesh, *place)) for place in places}
        yield found
        found.marks = {place: json.loads(ear.communicate("", timeout=60)[0]) for place, ear in ears.items()}


@contextmanager
def _ear(mesh: Mesh, host: str, container: str) -> Iterator["subprocess.Popen[str]"]:
    command = f"{inside(container) if container else ''}python3 -c {shlex.quote(HEAR)}"
    ear = subprocess.Popen(
        ("ssh", "-F", str(mesh.ssh_config), "-T", host, command),
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


def send(mesh: Mesh, host: str, container: str, frames: Sequence[bytes]) -> None:
    text = "".join(f"{each.hex()}\n" for each in frames)
    mesh.on(host, f"{inside(container)}python3 -c {shlex.quote(SEND)} <<'END'\n{text}END")


@contextmanager
def sending(mesh: Mesh, host: str, container: str, frames: Sequence[bytes]) -> Iterator[None]:
    """Again and again for the block, at least once."""
    ended, rounds = threading.Event(), [0]

    def work() -> None:
        while not ended.is_set() or not rounds[0]:
            send(mesh, host, container, frames)
            rounds[0] += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        wait_until(lambda: rounds[0] > 0, "the frames are sent")
        yield
    finally:
        ended.set()
        thread.join()
