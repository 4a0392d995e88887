"""Sends to other hosts and receives from them for a few seconds, and says what came through: pings, TCP, datagrams.

Python's standard library only, Python 3.9 or later: this text is sent to hosts that have nothing of ours. It writes no
file, starts no process and ends by itself after `life_s`, whoever waits for it or does not.
The order and the answer are JSON: measure/plan.py writes the one, measure/judge.py reads the other.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
import sys
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SO_MAX_PACING_RATE = 47  # tcp(7); bytes a second
TCP_NOTSENT_LOWAT = 25  # tcp(7); what is written and not sent yet keeps us from ending in time
ECHO_REQUEST, ECHO_REPLY = 8, 0
HELLO = struct.Struct("!32sH")  # the token of this measurement, and the sender's place among those expected
COUNT = struct.Struct("!Q")
CHUNK = 1 << 17
BUFFER_BYTES = 1 << 22
CONNECT_S = 5.0  # the other side may start later than we do
LATE_S = 0.3  # datagrams, and answers to pings, that are still on their way at the end
STRANGERS = 300  # threads beside those for the expected senders; our own sendings are among them
TICK_S = 0.001  # between two bursts of datagrams


def checksum(message: bytes) -> int:
    """RFC 1071; the message has an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(message) // 2}H", message))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo(ident: int, number: int) -> bytes:
    head = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, ident, number)
    return struct.pack("!BBHHH", ECHO_REQUEST, 0, checksum(head), ident, number)


def ping(order: dict[str, Any]) -> dict[str, Any]:
    """All targets at once; of each, how many pings were sent and the microseconds of each answer."""
    targets = order["targets"]
    base = int.from_bytes(os.urandom(2), "big")
    places = {(base + place) & 0xFFFF: target["name"] for place, target in enumerate(targets)}
    sent: dict[str, int] = dict.fromkeys(places.values(), 0)
    answers: dict[str, list[int]] = {name: [] for name in sent}
    times: dict[int, float] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as icmp:
        icmp.setblocking(False)
        icmp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        begin = next_s = time.monotonic()
        number = 0
        while (now := time.monotonic()) < begin + order["seconds"] + LATE_S:
            if next_s <= now < begin + order["seconds"]:
                next_s, number = now + order["interval_s"], number + 1 & 0xFFFF
                times[number] = now
                for ident, target in zip(places, targets):  # noqa: B905  not yet in Python 3.9
                    # No route, no neighbour, a full queue: a ping that is not answered.
                    sent[target["name"]] += 1
                    with contextlib.suppress(OSError):
                        icmp.sendto(echo(ident, number), (target["address"], 0))
            select.select([icmp], [], [], max(0.0, min(next_s, begin + order["seconds"] + LATE_S) - time.monotonic()))
            hear(icmp, places, times, answers)
    return {name: {"sent": sent[name], "us": answers[name]} for name in sent}


def hear(icmp: socket.socket, places: dict[int, str], times: dict[int, float], answers: dict[str, list[int]]) -> None:
    while True:
        try:
            packet = icmp.recv(65535)
        except OSError:
            return
        start = (packet[0] & 0x0F) * 4
        if len(packet) < start + 8:
            continue
        kind, _, _, ident, number = struct.unpack("!BBHHH", packet[start : start + 8])
        if kind == ECHO_REPLY and ident in places and number in times:
            answers[places[ident]].append(int((time.monotonic() - times[number]) * 1e6))


class Receiver(threading.Thread):
    """Takes what the expected senders send, and counts it; strangers are hung up on."""

    def __init__(self, order: dict[str, Any], end: float) -> None:
        super().__init__(daemon=True)
        self.order, self.end = order, end
        self.counted: dict[str, dict[str, float]] = {}
        self.over = threading.Semaphore(0)  # once for each sender that has come and gone
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((order["address"], order["port"]))
        self.listener.listen(len(order["expect"]) + 8)
        self.datagrams: socket.socket | None = None
        if order["kind"] == "udp":
            self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            self.datagrams.bind((order["address"], order["port"]))
            self.datagrams.settimeout(LATE_S)

    def run(self) -> None:
        while (left := self.end - time.monotonic()) > 0:
            self.listener.settimeout(left)
            try:
                stream, _ = self.listener.accept()
            except OSError:
                return
            if threading.active_count() > len(self.order["expect"]) + STRANGERS:
                stream.close()
                continue
            threading.Thread(target=self.take, args=(stream,), daemon=True).start()

    def take(self, stream: socket.socket) -> None:
        with stream:
            stream.settimeout(CONNECT_S)
            try:
                token, place = HELLO.unpack(exactly(stream, HELLO.size))
                if token.decode() != self.order["token"] or place >= len(self.order["expect"]):
                    return
                stream.settimeout(max(0.1, self.end - time.monotonic()))
                counted = self.count_datagrams(stream) if self.datagrams else count_bytes(stream)
            except (OSError, ValueError, EOFError):
                return
        self.counted[self.order["expect"][place]] = counted
        self.over.release()

    def count_datagrams(self, stream: socket.socket) -> dict[str, float]:
        """From one sender: measured one after another, so there is one. It says how many it sent when it is done."""
        assert self.datagrams is not None  # noqa: S101
        token, packets, first, last = self.order["token"].encode(), 0, 0.0, 0.0
        stream.sendall(b"!")  # now it may send
        done_at = self.end
        while time.monotonic() < min(self.end, done_at):
            try:
                if self.datagrams.recv(65535).startswith(token):
                    last = time.monotonic()
                    first = first or last
                    packets += 1
            except socket.timeout:  # noqa: UP041  not yet TimeoutError in Python 3.9
                pass
            look = packets & 0xFF == 0 or time.monotonic() - last > LATE_S / 2
            if done_at == self.end and look and select.select([stream], [], [], 0)[0]:
                done_at = time.monotonic() + LATE_S
        (sent,) = COUNT.unpack(exactly(stream, COUNT.size))
        return {"packets": packets, "sent": sent, "seconds": last - first}


def exactly(stream: socket.socket, size: int) -> bytes:
    """Raises EOFError where less comes."""
    found = b""
    while len(found) < size:
        part = stream.recv(size - len(found))
        if not part:
            raise EOFError
        found += part
    return found


def count_bytes(stream: socket.socket) -> dict[str, float]:
    """Until the other side has sent all; from the first byte to the last."""
    room, total, first = bytearray(CHUNK), 0, 0.0
    while True:
        size = stream.recv_into(room)
        now = time.monotonic()
        if not size:
            return {"bytes": total, "seconds": now - first if first else 0.0}
        first = first or now
        total += size


def send(order: dict[str, Any], target: dict[str, Any], failed: dict[str, str]) -> None:
    try:
        with connected(target) as stream:
            stream.sendall(HELLO.pack(order["token"].encode(), target["place"]))
            if order["kind"] == "udp":
                exactly(stream, 1)
                stream.sendall(COUNT.pack(send_datagrams(order, target)))
            else:
                stream.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, order["rate"] // 8)
                stream.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, CHUNK)
                send_bytes(stream, order["seconds"])
            stream.shutdown(socket.SHUT_WR)
            stream.recv(1)  # it hangs up when it has all
    except (OSError, EOFError) as failure:
        failed[target["name"]] = str(failure) or type(failure).__name__


def connected(target: dict[str, Any]) -> socket.socket:
    """Raises OSError if the other side does not listen in time."""
    end = time.monotonic() + CONNECT_S
    while True:
        try:
            stream = socket.create_connection((target["address"], target["port"]), timeout=CONNECT_S)
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            stream.settimeout(CONNECT_S)
            return stream


def send_bytes(stream: socket.socket, seconds: float) -> None:
    end, chunk = time.monotonic() + seconds, bytes(CHUNK)
    while time.monotonic() < end:
        stream.send(chunk)


def send_datagrams(order: dict[str, Any], target: dict[str, Any]) -> int:
    """So many a second, in bursts of a millisecond; how many left."""
    message = order["token"].encode().ljust(order["size"], b".")
    sent, began = 0, time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.connect((target["address"], target["port"]))
        while (passed := time.monotonic() - began) < order["seconds"]:
            # Who was held up does not send all that is overdue at once.
            burst = min(int(passed * order["rate"]) - sent, max(1, int(order["rate"] * TICK_S * 4)))
            for _ in range(burst):
                with contextlib.suppress(OSError):  # a full queue
                    datagrams.send(message)
            sent += max(0, burst)
            time.sleep(TICK_S)
    return sent


def stream(order: dict[str, Any]) -> dict[str, Any]:
    """What this host received, by sender, and why a sending of its own failed, by target."""
    end = time.monotonic() + order["life_s"]
    failed: dict[str, str] = {}
    receiver = Receiver(order, end) if order["expect"] else None
    if receiver:
        receiver.start()
    senders = [threading.Thread(target=send, args=(order, each, failed), daemon=True) for each in order["targets"]]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(max(0.0, end - time.monotonic()))
    for _ in order["expect"]:
        if not receiver or not receiver.over.acquire(timeout=max(0.0, end - time.monotonic())):
            break
    return {"received": dict(receiver.counted) if receiver else {}, "failed": dict(failed)}


def main() -> None:
    order = json.loads(sys.stdin.read())
    said = {"pings": ping(order)} if order["kind"] == "ping" else stream(order)
    sys.stdout.write(json.dumps(said))
    sys.stdout.flush()
    os._exit(0)  # threads that still wait for somebody end with us


if __name__ == "__main__":
    main()
