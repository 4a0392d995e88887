"""The packets that probes are made of, and the listener over a real socket."""

import ast
import inspect
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from dockmesh.agent import arp, echo, lookup, probe, probe_container, transfer
from dockmesh.agent.texts import probe_text
from dockmesh.verify.collect import BULK_BYTES


def ip_packet(icmp: bytes, options: bytes = b"") -> bytes:
    return bytes([0x40 + 5 + len(options) // 4]) + b"\0" * 19 + options + icmp


def test_checksum_is_that_of_the_rfc() -> None:
    assert echo.checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0x220D  # RFC 1071, section 3
    assert echo.checksum(b"\x01") == echo.checksum(b"\x01\x00")


def test_an_echo_request_makes_a_packet_of_the_wanted_size_and_sums_to_zero() -> None:
    message = echo.echo_request(7, 9, 1462)

    assert len(message) + 20 == 1462
    assert echo.checksum(message) == 0


def test_only_answers_to_our_own_requests_count_and_say_to_which() -> None:
    answer = struct.pack("!BBHHH", 0, 0, 0, 7, 9)

    assert echo.read_reply(ip_packet(answer), 7) == 9
    assert echo.read_reply(ip_packet(answer, options=b"\0" * 8), 7) == 9
    assert echo.read_reply(ip_packet(answer), 8) is None
    assert echo.read_reply(ip_packet(struct.pack("!BBHHH", 8, 0, 0, 7, 9)), 7) is None
    assert echo.read_reply(ip_packet(b"\0\0"), 7) is None


def test_an_arp_probe_asks_in_nobodys_name() -> None:
    frame = arp.arp_probe(b"\x02\x42\x0a\x09\x01\x00", "10.9.0.2")

    assert frame[:6] == b"\xff" * 6
    assert (frame[28:32], frame[38:42]) == (b"\0" * 4, bytes([10, 9, 0, 2]))


def test_answers_to_an_arp_probe_are_told_from_other_arp() -> None:
    def reply(operation: int, to: str) -> bytes:
        head = b"\0" * 12 + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, operation)
        return head + bytes.fromhex("02420a2a0002") + bytes([10, 9, 0, 2]) + b"\0" * 6 + socket.inet_aton(to)

    assert arp.read_arp_answer(reply(2, arp.NOBODY)) == ("10.9.0.2", "02:42:0a:2a:00:02")
    assert arp.read_arp_answer(reply(2, "10.9.1.0")) is None
    assert arp.read_arp_answer(reply(1, arp.NOBODY)) is None
    assert arp.read_arp_answer(b"\0" * 20) is None


@pytest.mark.parametrize(("token", "passes"), [("right", True), ("wrong", False)])
def test_an_upload_is_answered_with_its_checksum_if_it_has_the_token(token: str, *, passes: bool) -> None:
    payload = os.urandom(1 << 20)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taker = threading.Thread(target=lambda: transfer.take_upload(listener.accept()[0], b"right"))
        taker.start()

        result = transfer.upload("127.0.0.1", listener.getsockname()[1], token, payload, sha256(payload).digest())

        taker.join(10)
    assert (result["mbit"] is not None) == passes
    assert (result["error"] is None) == passes


def test_an_upload_goes_evenly_and_not_as_fast_as_it_can() -> None:
    """At once it would fill queues on its way, and packets of others would be lost."""
    payload = os.urandom(BULK_BYTES)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Linux lets the first ten segments go at once, which here would be all of it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
        taker = threading.Thread(target=lambda: transfer.take_upload(listener.accept()[0], b"t"))
        taker.start()

        result = transfer.upload("127.0.0.1", listener.getsockname()[1], "t", payload, sha256(payload).digest())

        taker.join(10)
    assert (
        BULK_BYTES * 8 / 1e6 / transfer.BULK_DEADLINE_S < result["mbit"] < 1.3 * BULK_BYTES * 8 / 1e6 / transfer.BULK_S
    )


def test_an_upload_to_nobody_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert transfer.upload("127.0.0.1", port, "t", b"", b"")["error"] == "[Errno 111] Connection refused"


def test_a_listener_tells_broadcasts_of_probes_but_not_more_than_it_must() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        port = datagrams.getsockname()[1]
    order = {"token": "t", "secret": "s", "bind": "127.0.0.1", "broadcast_port": port, "lifetime_s": 20}
    argv = [sys.executable, "-c", probe_text(), "serve", json.dumps({**order, "for_pid": None})]
    one, other = probe.sign("h1 1", "s"), probe.sign("h2 1", "s")
    of_others = (b"garbage", b"", b" ", b"t \xff 1", b"\xff" * 2000, b"t h3 1", probe.sign("h3 1", "t"))
    changed = (one.replace(b"h1", b"h3"), one + b"0", b"h3 1 " + b"0" * 64)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout is not None
        assert listener.stdout.readline().startswith("ready ")

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            for datagram in (*of_others, *changed, *[one] * 50, other):
                datagrams.sendto(datagram, ("127.0.0.1", port))
        heard = [listener.stdout.readline() for _ in range(probe.TOLD_AT_MOST + 1)]
        listener.kill()

    assert heard == ["heard h1 1\n"] * probe.TOLD_AT_MOST + ["heard h2 1\n"]


def test_a_listener_ends_with_the_process_that_wanted_it() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()

    assert probe.is_alive(os.getpid())
    assert not probe.is_alive(child.pid)


@pytest.mark.parametrize("module", [arp, echo, lookup, probe, probe_container, transfer])
def test_hosts_with_an_old_python_can_read_it(module: object) -> None:
    source = inspect.getsource(module)  # type: ignore[arg-type]
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source, feature_version=(3, 9)))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert imported - {"dockmesh"} <= sys.stdlib_module_names


@pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets want root")
def test_this_machine_answers_itself() -> None:
    assert echo.echo("127.0.0.1", 1000, 2)["ms"] is not None
    mtu = int(Path("/sys/class/net/lo/mtu").read_text())
    assert echo.is_refused("127.0.0.1", mtu + 1)
    assert not echo.is_refused("127.0.0.1", 1000)
