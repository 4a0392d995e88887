"""What is seen on the underlay's switch: frames of tunnels in clear, and encrypted ones."""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dockmesh.lab import store
from dockmesh.lab.underlay import SWITCH, inside
from tests.lab.mesh import Mesh, wait_until

# A bridge in promiscuous mode gets what its ports send each other. Tags are looked into, as deep as they are.
SNIFF = f"""
import json, select, socket, struct, sys
ETH_P_ALL, SOL_PACKET, ADD_MEMBERSHIP, PROMISC = 3, 263, 1, 1
hear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
hear.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
hear.bind(({SWITCH!r}, 0))
hear.setsockopt(SOL_PACKET, ADD_MEMBERSHIP, struct.pack("IHH8s", socket.if_nametoindex({SWITCH!r}), PROMISC, 0, b""))
clear, leaked, encrypted, seen = [], [], 0, 0

def kind(frame):
    at = 12
    while frame[at:at + 2] in (b"\\x81\\x00", b"\\x88\\xa8"):
        at += 4
    ether, ip = frame[at:at + 2], frame[at + 2:]
    if ether == b"\\x08\\x00":
        protocol, payload = ip[9], ip[(ip[0] & 15) * 4:]
    elif ether == b"\\x86\\xdd":
        protocol, payload = ip[6], ip[40:]
    else:
        return None
    if protocol == 47:
        return "GRE"
    port = struct.unpack("!H", payload[2:4])[0] if protocol == 17 and len(payload) >= 4 else 0
    return {{4789: "VXLAN", 6081: "Geneve", PORT: "WireGuard"}}.get(port)

def bare(frame):
    "Whether it is from or for an address inside: no such one is ever seen outside of WireGuard's packets."
    return frame[12:14] == b"\\x08\\x00" and (frame[26:28] in INSIDE or frame[30:32] in INSIDE)

print("ready", flush=True)
while True:
    ready, _, _ = select.select([hear, sys.stdin], [], [])
    if hear in ready:
        frame = hear.recv(65536)
        found, seen = kind(frame), seen + 1
        if bare(frame):
            leaked.append([found or "other", frame[:60].hex()])
        if found == "WireGuard" and MARK not in frame:
            encrypted += 1
        elif found or MARK in frame:
            clear.append([found or "marked", frame[:60].hex()])
    elif not sys.stdin.readline():
        dropped = struct.unpack("II", hear.getsockopt(SOL_PACKET, 6, 8))[1]
        print(json.dumps([clear[:20], len(clear), leaked[:20], len(leaked), encrypted, seen, dropped]), flush=True)
        break
"""
INSIDE = (b"\xc6\x12", b"\xc6\x13")  # how 198.18.0.0/15 begins, which all prefixes for encryption in tests are of
MARK = "5ca1ab1edeadc0de"  # in what pings carry, in hexadecimal


@dataclass(slots=True)
class Heard:
    """`clear` are some of the frames in clear, each with its kind and its first bytes; `missed` were not looked at.

    `leaked` are those from or for an address inside, of which there is none even while the mesh goes from clear to
    encrypted or back.
    """

    clear: list[tuple[str, str]]
    leaked: list[tuple[str, str]]
    count: int = 0
    leaks: int = 0
    encrypted: int = 0
    seen: int = 0
    missed: int = 0


@contextlib.contextmanager
def listening(mesh: Mesh, port: int = 51820) -> Iterator[Heard]:
    """What goes over the switch until the end of the block is told then."""
    heard = Heard([], [])
    source = SNIFF.replace("PORT:", f"{port}:").replace("MARK", repr(bytes.fromhex(MARK)))
    source = source.replace("INSIDE", repr(INSIDE))
    netns = store.load(mesh.directory).switch_netns
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "heard"
        with output.open("w") as written:
            process = subprocess.Popen(
                inside(netns, sys.executable, "-c", source), stdin=subprocess.PIPE, stdout=written, text=True
            )
        try:
            wait_until(lambda: "ready" in output.read_text(), "the capture runs")
            yield heard
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(60)
        clear, heard.count, leaked, heard.leaks, heard.encrypted, heard.seen, heard.missed = json.loads(
            output.read_text().splitlines()[-1]
        )
        heard.clear += [(kind, first) for kind, first in clear]
        heard.leaked += [(kind, first) for kind, first in leaked]
