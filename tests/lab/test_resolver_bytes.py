"""Ten minutes of bytes that nobody should send, at a real resolver on the loopback device; no host is needed for it."""

import socket
import statistics
import struct
import time
from collections import deque
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random

import pytest

from tests.support.dns import hostile
from tests.support.resolver_process import Running, resolver

LASTS_S, MOST_ROUNDS = 600, 100_000
MESSAGES, CONNECTIONS = 40, 4  # of one round
HELD = 90  # connections that say nothing or half of something, more than the resolver has places for
SOON_S = 0.1
MOST_BYTES = 40 << 20
SEED = 20261130


def anybody(running: Running, chance: Random) -> str:
    """A container, another host, a container of another host, and an address of nobody's."""
    others = (running.place.peer, running.place.at("130.7"), running.place.at(f"200.{chance.randrange(1, 250)}"))
    return chance.choice((running.place.container(2), running.place.container(3), *others))


def send_messages(running: Running, chance: Random) -> None:
    with running.mouth(anybody(running, chance)) as mouth:
        for _ in range(MESSAGES):
            with suppress(OSError):  # a full buffer, or an answer to who is not waiting for it
                mouth.send(hostile(chance))


def connect(running: Running, chance: Random, held: "deque[socket.socket]") -> None:
    """Who is slow, goes in the middle, sends wrong lengths, or takes no answer; it may stay for a while."""
    while len(held) >= HELD:
        held.popleft().close()
    with suppress(OSError):
        mouth = running.mouth(anybody(running, chance), socket.SOCK_STREAM)
        held.append(mouth)
        mouth.setblocking(False)
        for _ in range(chance.randrange(4)):
            data = hostile(chance)
            length = len(data) + chance.choice((0, 0, 0, -1, 1, 1000))
            stream = struct.pack("!H", max(0, length) & 0xFFFF) + data
            mouth.send(stream[: chance.randrange(1, len(stream) + 1)] if chance.randrange(3) == 0 else stream)
        if chance.randrange(3) == 0:
            held.remove(mouth)
            mouth.close()


def end_all(held: "deque[socket.socket]") -> None:
    for each in held:
        each.close()


@pytest.mark.long
def test_ten_minutes_of_any_bytes_leave_the_resolver_well(tmp_path: Path) -> None:
    chance = Random(SEED)  # noqa: S311 — the same each time
    waited, worked = [], []

    with ExitStack() as stack, resolver(tmp_path) as running:
        held: deque[socket.socket] = deque()
        stack.callback(end_all, held)
        end = time.monotonic() + LASTS_S
        for number in range(MOST_ROUNDS):
            if time.monotonic() > end:
                break
            send_messages(running, chance)
            for _ in range(CONNECTIONS):
                connect(running, chance, held)
            before, worked_before = time.monotonic(), running.cpu_s
            assert running.ask("web") == ("NOERROR", [running.place.container(1)])
            waited.append(time.monotonic() - before)
            worked.append(running.cpu_s - worked_before)
            if number % 20 == 0:
                assert running.ask("web", kind=socket.SOCK_STREAM)[0] == "NOERROR"
                assert running.complaints == []
                assert running.memory_bytes < MOST_BYTES

    assert len(waited) > 100
    # Of its own clock each time, however busy this machine is; and as others see it, as a rule.
    assert max(worked) < SOON_S
    assert statistics.median(waited) < SOON_S
