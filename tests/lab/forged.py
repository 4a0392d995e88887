"""VXLAN frames of a machine that is no host of the mesh, and what a host takes of them."""

import json

from tests.lab.mesh import Mesh

SENT = 1000
# What BFD's own packets may add in the time that it takes to send them: ten a second.
BFDS_OWN = 50
PROGRAM = f"""
import socket, struct, sys
frame = b"\\xff" * 6 + bytes.fromhex("02000000f00d") + b"\\x08\\x06" + bytes(46)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
    for _ in range({SENT}):
        sending.sendto(struct.pack("!II", 1 << 27, int(sys.argv[2]) << 8) + frame, (sys.argv[1], 4789))
"""


def taken(mesh: Mesh, stranger: str) -> int:
    """So many packets more its tunnel has when host1 was sent a thousand, with a VNI of its own, by this machine."""
    host = mesh.plan()["hosts"][0]
    end = host["tunnels"][0]
    count = f"cat /sys/class/net/{end['port']}/statistics/rx_packets"
    before = int(mesh.on("host1", count))
    mesh.on(stranger, f"python3 - {host['underlay']} {end['vni']} <<'E'\n{PROGRAM}\nE")
    return int(mesh.on("host1", count)) - before


def dropped(mesh: Mesh, table: str) -> int:
    """By all rules of this table of host1."""
    listed = json.loads(mesh.on("host1", f"nft --json list table {table}"))["nftables"]
    counters = [
        word["counter"] for each in listed for word in each.get("rule", {}).get("expr", ()) if "counter" in word
    ]
    assert counters, f"no rule of {table} counts"
    return sum(int(counter["packets"]) for counter in counters)
