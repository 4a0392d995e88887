"""The program that measures, in processes of its own on addresses of the loopback device."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv4Interface
from typing import Any

import pytest

from dockmesh.agent.texts import text_of
from dockmesh.measure.judge import judge, read
from dockmesh.measure.plan import orders
from dockmesh.measure.types import Datagrams, Figure, Pace, Pair, Pings, Step, Stream
from dockmesh.plan.build import build
from dockmesh.plan.types import HostPlan
from dockmesh.transport.requests import Answer
from dockmesh.transport.script import PYTHON
from tests.support.meshes import mesh_of

BUFFERED = 1 << 20  # bytes that a connection takes at once
PACE = Pace(seconds=0.4, limit_mbit=80, packets=2000)
PAIRS = (Pair("host1", "host2"), Pair("host2", "host1"))


def on_loopback() -> dict[str, HostPlan]:
    hosts = build(mesh_of(3)).hosts[:2]
    return {
        host.name: replace(host, networks=(replace(host.docker0, address=IPv4Interface(f"127.77.0.{place}/8")),))
        for place, host in enumerate(hosts, start=1)
    }


def free_port() -> int:
    with socket.socket() as any_socket:
        any_socket.bind(("127.77.0.1", 0))
        port: int = any_socket.getsockname()[1]
        return port


def told(order: Mapping[str, Any]) -> Answer:
    """What the program says to an order, started as the runner starts it."""
    text = f"{json.dumps(text_of('measure'))}\n{json.dumps(order)}"
    done = subprocess.run(
        (sys.executable, *PYTHON[1:]), input=text, capture_output=True, text=True, check=False, timeout=60
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def run(wanted: Mapping[str, Mapping[str, Any]]) -> dict[str, Answer]:
    """All at once."""
    with ThreadPoolExecutor(len(wanted)) as pool:
        return dict(zip(wanted, pool.map(told, wanted.values()), strict=True))


def taken(figure: Figure, pairs: tuple[Pair, ...] = PAIRS, pace: Pace = PACE) -> dict[Pair, Any]:
    step = Step(figure, pairs)
    answers = run(orders(step, on_loopback(), pace, "t" * 32, free_port()))
    return judge(step, {name: read(answer) for name, answer in answers.items()}, {})


@pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets want root")
def test_pings_are_answered() -> None:
    found = taken(Figure.LATENCY)

    for pings in found.values():
        assert isinstance(pings, Pings)
        assert 1 <= len(pings.us) <= pings.sent <= 9
        assert 0 < min(pings.us) < 1_000_000


def test_streams_in_both_directions_keep_to_their_limit() -> None:
    found = taken(Figure.ALL_PAIRS)

    assert set(found) == set(PAIRS)
    for stream in found.values():
        assert isinstance(stream, Stream), stream
        # By what was sent in its time: a receiver that is held up reads faster afterwards.
        assert stream.bytes < 1.5 * PACE.limit_mbit * PACE.seconds * 125_000 + BUFFERED
        assert stream.mbit > 0.1


@pytest.mark.exhaustive
def test_datagrams_are_counted_where_they_arrive_and_keep_to_their_limit() -> None:
    (found,) = taken(Figure.PACKETS, PAIRS[:1]).values()

    assert isinstance(found, Datagrams), found
    assert 0 < found.arrived <= found.sent <= PACE.packets * PACE.seconds * 1.1


@pytest.mark.exhaustive
def test_who_waits_for_nobody_ends_by_itself_and_strangers_are_not_counted() -> None:
    port = free_port()
    order = orders(Step(Figure.GOODPUT, PAIRS[:1]), on_loopback(), PACE, "t" * 32, port)["host2"] | {"life_s": 3.0}
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(told, order)
        with connect(port) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\nHost: some.where\r\nAccept: everything\r\n\r\n")
            with suppress(ConnectionResetError):
                assert stranger.recv(1) == b""

    assert answer.result() == Answer(0, '{"received": {}, "failed": {}}')


def connect(port: int) -> socket.socket:
    end = time.monotonic() + 20
    while True:
        try:
            return socket.create_connection(("127.77.0.2", port), timeout=20)
        except ConnectionRefusedError:
            assert time.monotonic() < end
            time.sleep(0.02)


@pytest.mark.exhaustive
def test_a_target_that_does_not_listen_is_told() -> None:
    step = Step(Figure.GOODPUT, PAIRS[:1])
    wanted = orders(step, on_loopback(), PACE, "t" * 32, free_port())

    answers = run({"host1": wanted["host1"]})

    assert "refused" in read(answers["host1"]).failed["host2"].lower()
