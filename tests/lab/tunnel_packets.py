"""A container that sends packets of the mesh's tunnels, with frames of its own making in them."""

import json
import shlex
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from dnslib import DNSRecord

from dockmesh.meshfile.load import load
from dockmesh.plan.build import build
from dockmesh.plan.types import Plan
from dockmesh.render.flows import tag
from tests.lab.hostile import arp, frame, inside
from tests.lab.mesh import Mesh

TIMES = 5
UDP, GRE = 17, 47
PORTS = {"vxlan": 4789, "geneve": 6081}
# Told by its standard input: by whose MAC address, and packets; by a socket of UDP, which every user has, where they
# have a port.
FORGE = f"""
import binascii, json, socket, sys
bridge, orders = json.load(sys.stdin)
mouth = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM) if bridge else None
said = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for to, port, packets in orders:
    for _ in range({TIMES}):
        for packet in map(binascii.unhexlify, packets):
            if port:
                said.sendto(packet, (to, port))
            else:
                mouth.sendto(packet, ("eth0", 0x0800, 0, 0, binascii.unhexlify(bridge)))
"""


# Answers nothing; ends with its standard input.
OUTSIDE = """
import json, select, socket, sys
ear, heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), set()
ear.bind((sys.argv[1], 53))
print("ready", flush=True)
while True:
    ready, _, _ = select.select([ear, 0], [], [])
    if ear in ready:
        heard.add(ear.recv(4096).hex())
    elif 0 in ready:
        print(json.dumps(sorted(heard)), flush=True)
        sys.exit()
"""

Order = tuple[str, int, list[str]]  # where to, the port, and packets; whole ones where the port is 0


@dataclass(frozen=True)
class Forged:
    """One packet for `victim`, as if it came from `peer`: with a frame inside that the victim gives its containers."""

    name: str
    victim: str
    peer: str
    to: str  # the address outside
    source: str | None = None  # forged; None: the sender's own
    fragments: bool = False


def plan_of(mesh: Mesh) -> Plan:
    return build(load(mesh.file))


def payload(plan: Plan, packet: Forged) -> bytes:
    """Of IP: a tunnel's header and a frame in it; without the header of UDP."""
    numbers = {host.name: host.number for host in plan.hosts}
    source = "02:00:00:00:f0:0d"
    to = tag(numbers[packet.peer], numbers[packet.victim])
    inner = frame(source, arp(1, source, "0.0.0.0", "192.0.2.7"), packet.name, to=to)  # noqa: S104 — of nobody
    if plan.fabric.tunnel == "gre":
        key = plan.fabric.key
        return b"\0\0\x65\x58" + inner if key is None else b"\x20\0\x65\x58" + key.to_bytes(4, "big") + inner
    device = next(end.device for end in plan.host(packet.victim).tunnels if end.peer == packet.peer)
    vni = device.vni if device else plan.fabric.key or 0
    head = b"\x08\0\0\0" if plan.fabric.tunnel == "vxlan" else b"\0\0\x65\x58"
    return head + (vni << 8).to_bytes(4, "big") + inner


def orders(plan: Plan, packets: Sequence[Forged], own: str, *, routed: bool) -> Iterator[Order]:
    """`own`: the sender's address. `routed`: whether it may send by a socket of UDP where that does."""
    port = PORTS.get(plan.fabric.tunnel, 0)
    for number, packet in enumerate(packets, 1):
        body = payload(plan, packet)
        if port and routed and packet.source is None and not packet.fragments:
            yield packet.to, port, [body.hex()]
            continue
        if port:
            body = b"".join(each.to_bytes(2, "big") for each in (40000, port, 8 + len(body), 0)) + body
        # The first has 8 bytes, so that neither key nor VNI is in it.
        cuts = [(0, body[:8], True), (8, body[8:], False)] if packet.fragments else [(0, body, False)]
        ends = IPv4Address(packet.source or own).packed + IPv4Address(packet.to).packed
        yield packet.to, 0, [_ip(ends, number, UDP if port else GRE, cut).hex() for cut in cuts]


def _ip(ends: bytes, number: int, protocol: int, cut: tuple[int, bytes, bool]) -> bytes:
    """`cut`: where in the whole it stands, itself, and whether more follows."""
    at, part, more = cut
    flags = (0x2000 if more else 0) | at // 8
    head = b"\x45\0" + (20 + len(part)).to_bytes(2, "big") + number.to_bytes(2, "big") + flags.to_bytes(2, "big")
    head += bytes([64, protocol])
    words = sum(int.from_bytes((head + ends)[place : place + 2], "big") for place in range(0, 18, 2))
    while words >> 16:
        words = (words & 0xFFFF) + (words >> 16)
    return head + (~words & 0xFFFF).to_bytes(2, "big") + ends + part


def send(mesh: Mesh, host: str, container: str, bridge: str, packets: Sequence[Forged]) -> None:
    """As root of a container, which has a raw socket, through this bridge of its host."""
    routed = "default" in mesh.on(host, f"{inside(container)}ip route")
    forge(mesh, host, container, bridge, orders(plan_of(mesh), packets, address(mesh, host, container), routed=routed))


def address(mesh: Mesh, host: str, container: str) -> str:
    return mesh.on(host, f"{inside(container)}ip -4 -o address show dev eth0").split()[3].partition("/")[0]


def forge(mesh: Mesh, host: str, container: str, bridge: str, packets: Iterable[Order]) -> None:
    mac = mesh.on(host, f"cat /sys/class/net/{bridge}/address").replace(":", "")
    text = json.dumps((mac, list(packets)))
    mesh.on(host, f"{inside(container)}python3 -c {shlex.quote(FORGE)} <<'END'\n{text}\nEND")


def send_as_user(mesh: Mesh, host: str, packets: Sequence[Forged]) -> None:
    """By somebody who may do nothing on the host."""
    text = json.dumps(("", list(orders(plan_of(mesh), packets, "", routed=True))))
    mesh.on(host, f"setpriv --reuid nobody --clear-groups python3 -c {shlex.quote(FORGE)} <<'END'\n{text}\nEND")


def question(name: str, source: str, to: str, number: int, *, fragments: bool = False) -> Order:
    """For a resolver, with a forged source."""
    body = bytes(DNSRecord.question(name).pack())
    body = b"".join(each.to_bytes(2, "big") for each in (40000, 53, 8 + len(body), 0)) + body
    cuts = [(0, body[:8], True), (8, body[8:], False)] if fragments else [(0, body, False)]
    ends = IPv4Address(source).packed + IPv4Address(to).packed
    return to, 0, [_ip(ends, number, UDP, cut).hex() for cut in cuts]


@contextmanager
def asked(mesh: Mesh, host: str, at: str) -> Iterator[set[str]]:
    """The names that a resolver outside is asked for at this address; known at the end of the block."""
    found: set[str] = set()
    ear = subprocess.Popen(
        ("ssh", "-F", str(mesh.ssh_config), "-T", host, f"python3 -c {shlex.quote(OUTSIDE)} {at}"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert ear.stdout is not None
        assert ear.stdout.readline() == "ready\n"
        yield found
        questions = json.loads(ear.communicate("", timeout=60)[0])
        found |= {str(DNSRecord.parse(bytes.fromhex(each)).q.qname).rstrip(".") for each in questions}
    finally:
        ear.kill()
        ear.wait()


def counted(mesh: Mesh, host: str) -> dict[str, int]:
    """Packets that our rules dropped, by chain."""
    found: dict[str, int] = {}
    for table in ("bridge dockmesh", "inet dockmesh_peers"):
        rules: list[dict[str, Any]] = json.loads(mesh.on(host, f"nft --json list table {table}"))["nftables"]
        for rule in (each["rule"] for each in rules if "rule" in each):
            for part in rule["expr"]:
                if "counter" in part:
                    found[rule["chain"]] = found.get(rule["chain"], 0) + int(part["counter"]["packets"])
    return found
