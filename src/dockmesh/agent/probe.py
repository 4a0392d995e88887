"""Makes probes (`measure`) and answers them (`serve`): on a host, and in a container with the host's own Python.

Python's standard library only, Python 3.9 or later: this text is sent to hosts that have nothing of ours, with that of
the modules that it imports. Every wait has a deadline. What it says is JSON; what that means is decided elsewhere.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import select
import socket
import struct
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dockmesh.agent.arp import find_owners
from dockmesh.agent.echo import reach
from dockmesh.agent.lookup import look_up
from dockmesh.agent.transfer import take_upload, upload

SIOCGIFMTU = 0x8921  # netdevice(7)
WATCH_S = 1.0  # how often a listener looks whether it is still wanted
TOLD_AT_MOST = 5  # lines about one broadcast: in a storm there are thousands
THREADS = 128


def send_broadcast(order: dict[str, Any], number: int) -> None:
    """A datagram that every container of the mesh should hear exactly once."""
    if order["broadcast_port"]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            datagram = sign(f"{order['source']} {number}", order["secret"])
            datagrams.sendto(datagram, ("255.255.255.255", order["broadcast_port"]))


def sign(text: str, secret: str) -> bytes:
    """With a proof behind it that a probe sends it: every container of the mesh hears it, and may say anything."""
    return f"{text} {hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()}".encode()


def read_signed(datagram: bytes, secret: str) -> str | None:
    """The text; None where no probe of this run sent it."""
    text = datagram.rpartition(b" ")[0].decode("utf-8", "replace")
    return text if hmac.compare_digest(datagram, sign(text, secret)) else None


def device_mtus() -> dict[str, int]:
    """Asked of the kernel itself: a container's /sys may be mounted from elsewhere, and tell of other devices."""
    mtus = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for _, name in socket.if_nameindex():
            request = struct.pack("16si20x", name.encode(), 0)
            try:
                answer = fcntl.ioctl(any_socket, SIOCGIFMTU, request)
            except OSError:
                continue  # gone in this moment
            mtus[name] = struct.unpack("16si20x", answer)[1]
    return mtus


def measure(order: dict[str, Any]) -> dict[str, Any]:
    """All that is asked, at once. The second broadcast is for the case that the first was lost as any datagram may."""
    payload = os.urandom(order["bulk_bytes"])
    digest = hashlib.sha256(payload).digest()
    broadcast_error = None
    try:
        send_broadcast(order, 1)
    except OSError as failure:
        broadcast_error = str(failure)
    targets = order["targets"]
    owned, arp_error = [], None
    wanted = order.get("names") or {"server": "", "of": {}}
    with ThreadPoolExecutor(max(1, min(THREADS, len(targets) + 1 + len(wanted["of"])))) as pool:
        names = {host: pool.submit(look_up, wanted["server"], name) for host, name in wanted["of"].items()}
        owners = pool.submit(find_owners, order["owners_of"], order["device"])
        results = list(pool.map(reach, targets))
        try:
            owned = owners.result()
        except OSError as failure:
            arp_error = str(failure)
        # Only now the transfers: in their company no ping would tell the time, and ARP would get lost.
        ports = [
            target["port"] if result["ping"]["ms"] is not None else 0
            for target, result in zip(targets, results)  # noqa: B905  not yet in Python 3.9
        ]
        uploads = [
            pool.submit(upload, target["address"], port, order["token"], payload, digest) if port else None
            for target, port in zip(targets, ports)  # noqa: B905
        ]
        for result, running in zip(results, uploads):  # noqa: B905
            result["bulk"] = running.result() if running else None
    if broadcast_error is None:
        send_broadcast(order, 2)
    return {
        "targets": results,
        "owners": owned,
        "arp_error": arp_error,
        "broadcast_error": broadcast_error,
        "mtus": device_mtus(),
        "names": {host: found.result() for host, found in names.items()},
    }


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def is_alive(pid: int | None) -> bool:
    return pid is None or os.path.exists(f"/proc/{pid}")


def serve(order: dict[str, Any]) -> None:
    """Say `ready PORT`, take uploads, and say `heard SOURCE NUMBER` for each broadcast.

    Ends when the time is up, or with the process `for_pid`.
    """
    end = time.monotonic() + order["lifetime_s"]
    token = order["token"].encode()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((order["bind"], 0))
    listener.listen(128)
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind((order["bind"], order["broadcast_port"]))
    told: dict[str, int] = {}
    say(f"ready {listener.getsockname()[1]}")
    while time.monotonic() < end and is_alive(order["for_pid"]):
        for ready in select.select([listener, datagrams], [], [], WATCH_S)[0]:
            if ready is listener:
                stream = listener.accept()[0]
                threading.Thread(target=take_upload, args=(stream, token), daemon=True).start()
                continue
            heard = read_signed(datagrams.recv(2048), order["secret"])
            if heard is not None and told.get(heard, 0) < TOLD_AT_MOST:
                told[heard] = told.get(heard, 0) + 1
                say(f"heard {heard}")


def main(argv: list[str]) -> None:
    """The role, and the order in JSON; without an order it is read from standard input."""
    role, order = argv[0], json.loads(argv[1] if len(argv) > 1 else sys.stdin.read())
    if role == "serve":
        serve(order)
    else:
        say(json.dumps(measure(order)))
